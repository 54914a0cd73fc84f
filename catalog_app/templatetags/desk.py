"""Formats of the desk: UTC times, counts, sizes, scores."""

from django import template

register = template.Library()
