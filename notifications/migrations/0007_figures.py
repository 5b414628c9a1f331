"""The path of each loss, and what the operator may know of all organizations: sums by network.

`losses` shows whoever asks the rows they may see. The others look over the walls, and answer with
nothing that names an organization, a profile or a person (notifications/metrics.py).
"""

from django.db import migrations

from accounts.walls import WEB

# A loss is what `StatusChange.lost_the_last` says. Where no clock foretold the end, the death lies
# somewhere between two answers: the middle is the best guess.
LOSSES = """
    CREATE FUNCTION losses(earliest timestamptz) RETURNS TABLE (
        organization_id uuid, network_slug text, reason text, died_at timestamptz,
        found_at timestamptz, written_at timestamptz, sent_at timestamptz, mended_at timestamptz
    )
    LANGUAGE sql STABLE AS $$
        SELECT change.organization_id, profile.network_slug::text, change.reason::text,
            coalesce(change.ended_at, change.alive_at + (change.found_at - change.alive_at) / 2),
            change.found_at, change.at,
            (
                SELECT min(notice.sent_at) FROM public.notifications_notice notice
                WHERE notice.change_id = change.id AND notice.kind IN ('access_lost', 'escalation')
                    AND notice.outcome = ''  -- it did not come back
            ),
            (
                SELECT later.at FROM public.tokens_statuschange later
                WHERE later.profile_id = change.profile_id AND later.id > change.id
                    AND later.profile_valid
                ORDER BY later.id LIMIT 1
            )
        FROM public.tokens_statuschange change
        JOIN public.profiles_profile profile ON profile.id = change.profile_id
        WHERE change.at >= earliest AND change.profile_was_valid AND NOT change.profile_valid
            AND change.reason <> 'no_longer_listed'
    $$
"""
OVER_THE_WALLS = "LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS"
LOSS_COUNTS = f"""
    CREATE FUNCTION loss_counts(earliest timestamptz)
    RETURNS TABLE (network_slug text, reason text, losses bigint)
    {OVER_THE_WALLS} $$
        SELECT network_slug, reason, count(*) FROM public.losses(earliest) GROUP BY 1, 2 ORDER BY 1, 2
    $$
"""
# Of each stage of the path: how many took no longer than each of the `bounds`, and all together.
LOSS_STAGES = f"""
    CREATE FUNCTION loss_stages(earliest timestamptz, bounds float8[])
    RETURNS TABLE (stage text, network_slug text, bound float8, within bigint, seconds float8)
    {OVER_THE_WALLS} $$
        SELECT stage.name, loss.network_slug, bound,
            count(*) FILTER (WHERE stage.seconds <= bound), sum(stage.seconds)
        FROM public.losses(earliest) loss
        CROSS JOIN LATERAL (
            VALUES ('death_to_found', loss.found_at - loss.died_at),
                ('found_to_written', loss.written_at - loss.found_at),
                ('written_to_sent', loss.sent_at - loss.written_at),
                ('lost_to_reconnected', loss.mended_at - loss.written_at)
        ) span (name, took)
        CROSS JOIN LATERAL (SELECT span.name, extract(epoch FROM span.took)::float8) stage (
            name, seconds
        )
        CROSS JOIN unnest(bounds) bound
        WHERE span.took IS NOT NULL
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    $$
"""
# What waits for its digest or for the end of quiet hours is put off; a minute is what a mail server
# that is away puts off everything by. What was never tried is due since its time, and the rest
# since it was written down.
MESSAGES_OWED = f"""
    CREATE FUNCTION messages_owed(moment timestamptz)
    RETURNS TABLE (way text, owed bigint, put_off bigint, oldest float8)
    {OVER_THE_WALLS} $$
        WITH message AS (
            SELECT 'mail' AS way, attempts, next_attempt_at, coalesce(digest_at, created_at) AS since
            FROM public.notifications_notice WHERE sent_at IS NULL AND given_up_at IS NULL
            UNION ALL
            SELECT 'operator_mail', attempts, next_attempt_at, created_at
            FROM public.notifications_operatornotice WHERE sent_at IS NULL AND given_up_at IS NULL
            UNION ALL
            SELECT 'webhook', attempts, next_attempt_at, created_at
            FROM public.notifications_webhookdelivery WHERE sent_at IS NULL AND given_up_at IS NULL
            UNION ALL
            SELECT 'unplanned', 0, at, at
            FROM public.tokens_statuschange WHERE planned_at IS NULL
        ), known AS (
            SELECT way, CASE WHEN attempts > 0 THEN since ELSE next_attempt_at END AS since,
                attempts > 0 OR next_attempt_at <= moment + interval '1 minute' AS is_due
            FROM message
        )
        SELECT way, count(*) FILTER (WHERE is_due), count(*) FILTER (WHERE NOT is_due),
            greatest(extract(epoch FROM moment - min(since) FILTER (WHERE is_due))::float8, 0)
        FROM (VALUES ('mail'), ('operator_mail'), ('webhook'), ('unplanned')) ways (way)
        LEFT JOIN known USING (way) GROUP BY way
    $$
"""
# As `Doubt.covers` has it (tokens/holding.py): held by a failure that nobody has called true.
ACCESSES_SUSPECTED = f"""
    CREATE FUNCTION accesses_suspected()
    RETURNS TABLE (network_slug text, held bigint, unconfirmed bigint)
    {OVER_THE_WALLS} $$
        SELECT token.network_slug, count(*) FILTER (WHERE is_held),
            count(*) FILTER (WHERE is_held IS NOT TRUE)
        FROM public.tokens_access access JOIN public.tokens_token token ON token.id = token_id
        CROSS JOIN LATERAL (
            SELECT bool_and(failure.believed_at IS NULL) FROM public.tokens_failure failure
            WHERE failure.network_slug = token.network_slug AND failure.health = 'dead'
                AND failure.closed_at IS NULL
                AND (failure.app_id IS NULL OR failure.app_id = token.app_id)
        ) failures (is_held)
        WHERE access.suspected_at IS NOT NULL GROUP BY 1
    $$
"""
FUNCTIONS = {
    "losses(timestamptz)": LOSSES,
    "loss_counts(timestamptz)": LOSS_COUNTS,
    "loss_stages(timestamptz, float8[])": LOSS_STAGES,
    "messages_owed(timestamptz)": MESSAGES_OWED,
    "accesses_suspected()": ACCESSES_SUSPECTED,
}


def function(name: str, statement: str) -> migrations.RunSQL:
    grants = f"""
        REVOKE ALL ON FUNCTION {name} FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION {name} TO {WEB};
    """
    return migrations.RunSQL(f"{statement}; {grants}", f"DROP FUNCTION {name}")


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0006_webhooks"),
        ("profiles", "0003_what_it_can"),
        ("tokens", "0006_path_of_a_death"),
    ]

    operations = [function(name, statement) for name, statement in FUNCTIONS.items()]
