"""Was everybody told, once, and of nothing that was not so? From what the mail server took, what
the network knows, and what is written down: none of the three is believed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bench.measure import Figure
from chaos.postbox import Taken
from chaos.stage import Kill
from chaos.story import Story
from notifications.models import Notice, Outcome
from tokens.models import StatusChange

# From the server's 250 to our commit, on a busy machine; and from a truth to what is made of it.
COMMIT, SEEN = 2.0, 30.0
MISSING, TWICE, FALSE = "notices not received", "mails twice without a kill", "mails in vain"
UNSEEN, INVENTED = "profiles that stand wrong", "deaths that were none"
NONE = (MISSING, TWICE, FALSE, UNSEEN, INVENTED)


def judge(story: Story) -> Iterator[Figure]:
    mails, kills = story.box.mails, story.stage.kills
    taken = Counter(mail.name for mail in mails)
    busy = sum(kill.was_busy for kill in kills)
    losses = [one for one in StatusChange.objects.all() if one.lost_the_last]
    notices = list(Notice.objects.select_related("change", "profile", "user"))
    recovered = sum(one.outcome == Outcome.RECOVERED for one in notices)
    yield Figure("chaos", "kills", len(kills), "kills", of=f"{busy} hit claimed work")
    share = busy / max(len(kills), 1)
    yield Figure(
        "chaos", "kills that hit claimed work", share, "of all", "wanted", 0.5, share / 0.5
    )
    of = f"{len(losses)} losses, {len(notices)} notices, {recovered} recovered before they left"
    yield Figure("chaos", MISSING, _missing(losses, notices, mails), "notices", of=of)
    repeated = {name: count for name, count in taken.items() if count > 1}
    excused = {name for name in repeated if _is_excused(name, mails, kills)}
    of = f"{len(taken)} mails, {len(excused)} twice under one Message-ID around a kill"
    yield Figure("chaos", TWICE, len(repeated.keys() - excused), "mails", of=of)
    yield Figure("chaos", FALSE, sum(map(_is_false, _with_mail(notices, mails))), "mails", of=of)
    of = f"{story.logins} logins, of which {len(story.failing)} are refused in the end"
    yield Figure("chaos", UNSEEN, len(story.standing_wrong()), "profiles", of=of)
    invented = sum(not _was_failing(one, story) for one in losses)
    yield Figure("chaos", INVENTED, invented, "losses", of=f"{len(losses)} losses")


def _missing(losses: list[StatusChange], notices: list[Notice], mails: list[Taken]) -> int:
    """Losses without a notice for the owner, and notices that neither came, naming the profile,
    nor had recovered."""
    told = {notice.change_id for notice in notices}
    came = {(mail.name, mail.to): mail.text for mail in mails}
    missing = sum(loss.pk not in told for loss in losses)
    for notice in notices:
        text = came.get((str(notice.mail), notice.user.email), "")
        is_there = notice.sent_at and notice.profile.name in text
        missing += not (is_there or notice.outcome == Outcome.RECOVERED)
    return missing


def _is_excused(name: str, mails: list[Taken], kills: list[Kill]) -> bool:
    """Every repetition has a kill of a worker, or of the database, right after the mail before."""
    times = [mail.at for mail in mails if mail.name == name]
    struck = [kill.at for kill in kills if kill.victim not in ("beat", "Valkey")]
    return all(any(-0.5 <= kill - at <= COMMIT for kill in struck) for at in times[:-1])


def _with_mail(notices: list[Notice], mails: list[Taken]) -> Iterator[tuple[Notice, Taken]]:
    by_name: dict[str, list[Taken]] = {}
    for mail in mails:
        by_name.setdefault(mail.name, []).append(mail)
    for notice in notices:
        for mail in by_name.get(str(notice.mail), ()):
            if notice.profile.name in mail.text:
                yield notice, mail


def _is_false(told: tuple[Notice, Taken]) -> bool:
    """The profile had recovered, as it was written down, before the mail was on its way."""
    notice, mail = told
    later = StatusChange.objects.filter(
        profile=notice.profile_id, pk__gt=notice.change_id or 0, profile_valid=True
    )
    back = later.order_by("pk").first()
    return back is not None and back.at.timestamp() < mail.at - COMMIT


def _was_failing(loss: StatusChange, story: Story) -> bool:
    """Whether the network did refuse the login not long before it was called dead."""
    subject = loss.token.subject if loss.token else ""
    turned, at = story.turned.get(subject, []), loss.at.timestamp()
    begins, ends = turned[::2], [*turned[1::2], float("inf")]
    return any(begin <= at <= end + SEEN for begin, end in zip(begins, ends, strict=False))
