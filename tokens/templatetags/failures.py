"""A Failure in the words of tokens/advice.py."""

from django import template

from networks.base import Reason
from tokens import advice
from tokens.models import Failure
from tokens.wording import headline

register = template.Library()
register.filter("place", advice.place)
register.filter("usual", advice.usual)
register.filter("what_to_do", advice.what_to_do)
register.filter("fact", advice.fact)


@register.filter
def consequence(failure: Failure) -> str:
    return advice.consequence([failure])


@register.filter
def answer(failure: Failure) -> str:
    """What the network says, in a few words."""
    return headline(Reason(failure.reason), failure.network)
