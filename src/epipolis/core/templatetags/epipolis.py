"""What templates of every module may use: icons, ages, downloads, charts, maps and blocks that stay live."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.http import QueryDict
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from epipolis.core import clock
from epipolis.core.charts import table_of
from epipolis.core.exports import FORMATS
from epipolis.core.modules import Layer, modules

register = template.Library()
_AUDIT_NAMES = {  # what the audit trail's details are called
    "added": gettext_noop("added"),
    "before": gettext_noop("before"),
    "broken": gettext_noop("broken at"),
    "cases": gettext_noop("cases"),
    "changed": gettext_noop("changed"),
    "counts": gettext_noop("rows"),
    "created": gettext_noop("created"),
    "digest": gettext_noop("fingerprint"),
    "factor": gettext_noop("second factor"),
    "factors": gettext_noop("second factors"),
    "fields": gettext_noop("fields"),
    "filters": gettext_noop("filters"),
    "flagged": gettext_noop("pointed out"),
    "former": gettext_noop("before that"),
    "found": gettext_noop("found"),
    "gone": gettext_noop("no longer found"),
    "hits": gettext_noop("people found"),
    "identifiers": gettext_noop("numbers"),
    "kind": gettext_noop("format"),
    "mapping": gettext_noop("mapping"),
    "measures": gettext_noop("measures"),
    "meetings": gettext_noop("meetings"),
    "new": gettext_noop("new"),
    "reason": gettext_noop("reason"),
    "rejected": gettext_noop("rejected"),
    "revision": gettext_noop("revision"),
    "roles": gettext_noop("roles"),
    "rows": gettext_noop("rows"),
    "rule": gettext_noop("rule"),
    "run": gettext_noop("run"),
    "scopes": gettext_noop("may"),
    "sha256": gettext_noop("fingerprint"),
    "source": gettext_noop("source"),
    "state": gettext_noop("state"),
    "to": gettext_noop("given to"),
    "tokens": gettext_noop("tokens"),
    "trace": gettext_noop("trace"),
    "version": gettext_noop("version"),
    "why": gettext_noop("reason"),
}
_SHAPES = re.compile(r"<svg.*?>(.*)</svg>", re.DOTALL)


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An outline icon, drawn in the colour of the text around it; screen readers skip it."""
    return format_html(
        '<svg class="icon {}" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        css,
        _shapes(name),
    )


@cache
def _shapes(name: str) -> SafeString:
    path = settings.ICONS / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        return mark_safe('<rect x="5" y="5" width="14" height="14" rx="3"/>')
    found = _SHAPES.search(path.read_text(encoding="utf-8"))
    return mark_safe(found[1].strip() if found else "")  # noqa: S308 -- a file of the icon package, by a checked name


@register.simple_tag
def age(moment: datetime | date | None) -> SafeString | str:
    """How old a moment is by the platform's clock, with the exact time for those who point at it."""
    if moment is None:
        return "–"
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), formats.date_format(moment, "Y-m-d"))
    exact = formats.date_format(timezone.localtime(moment, clock.zone()), "Y-m-d H:i")
    seconds = (clock.now() - moment).total_seconds()
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, _spoken(seconds))


@register.filter
def duration(minutes: int) -> str:
    """A length of time as people say it: minutes up to two hours, then hours."""
    if minutes < 120:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    return ngettext("%(count)d hour", "%(count)d hours", minutes // 60) % {"count": minutes // 60}


def _spoken(seconds: float) -> str:
    ahead, size = seconds < 0, abs(seconds)
    if size < 60:
        return _("just now")
    if size < 3600:
        count = int(size // 60)
        text = ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    elif size < 86_400:
        count = int(size // 3600)
        text = ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    else:
        count = int(size // 86_400)
        text = ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
    return (_("in %(time)s") if ahead else _("%(time)s ago")) % {"time": text}


@register.inclusion_tag("core/parts/export_links.html", takes_context=True)
def export_links(context: template.Context, name: str, **arguments: Any) -> dict[str, Any]:
    """Downloads of a declared exporter (`cases`), or of a module's own view (`cases:export`) with the page's filters.

    The view gets the format as `?format=csv|json|parquet`, or as its argument `kind` or `fmt` where its address has one.
    """
    exporter = next((e for m in modules().values() for e in m.exporters if e.name == name), None)
    request = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    query.pop("page", None)
    user = getattr(request, "user", None)
    if exporter:
        may = not exporter.needs or bool(user and user.has_perm(exporter.needs))
        links = [(kind, reverse("export", args=[name, kind])) for kind in FORMATS] if may else []
        return {"links": links, "allowed_for": exporter.allowed_for}
    return {"links": [(kind, _address(name, kind, query.copy(), arguments)) for kind in FORMATS], "allowed_for": ""}


def _address(name: str, kind: str, query: QueryDict, arguments: Mapping[str, Any]) -> str:
    for word in ("kind", "fmt"):
        try:
            base = reverse(name, kwargs={**arguments, word: kind})
        except NoReverseMatch:
            continue
        return f"{base}?{query.urlencode()}" if query else base
    query["format"] = kind
    return f"{reverse(name, kwargs=arguments)}?{query.urlencode()}"


@register.inclusion_tag("core/parts/chart.html")
def chart(
    data: Mapping[str, Any], height: int = 280, label: str = "", name: str = "chart", csv_elsewhere: bool = False
) -> dict[str, Any]:
    """A chart with its table and downloads; `epipolis.core.charts` says what `data` may hold.

    `csv_elsewhere`: the page offers the figures as a file already.
    """
    found = {"data": json_script(dict(data)), "table": table_of(data), "height": int(height), "label": label, "name": name}
    return found | {"elsewhere": csv_elsewhere}


@register.inclusion_tag("core/parts/citymap.html", takes_context=True)
def citymap(
    context: template.Context, layers: Iterable[Layer] | None = None, height: int = 460, label: str = "", topic: str = ""
) -> dict[str, Any]:
    """A map of the layers that the reader may see (all modules' layers unless given), with a list beside it.

    `topic`: points and lines are asked for again when this live topic is told.
    """
    user = getattr(context.get("request"), "user", None)
    wanted = layers if layers is not None else (layer for module in modules().values() for layer in module.layers)
    shown = [layer for layer in wanted if not layer.needs or (user is not None and user.has_perm(layer.needs))]
    found = [
        {"name": x.name, "title": _(x.title), "url": url, "colour_by": x.colour_by, "kind": x.kind}
        for x in shown
        if (url := layer_url(x))
    ]
    data = {"layers": found, "together": layers is not None, "topic": topic, "texts": _map_texts()}
    return {"data": json_script(data), "layers": found, "height": int(height), "label": label}


def layer_url(layer: Layer) -> str:
    """A layer's address: a path, or the name of a page; empty when the module has no such page."""
    if layer.url.startswith("/"):
        return layer.url
    try:
        return reverse(layer.url)
    except NoReverseMatch:
        return ""


def _map_texts() -> dict[str, str]:
    return {
        "no_data": _("no data"),
        "area": _("Area"),
        "value": _("Value"),
        "failed": _("This layer could not be loaded."),
        "empty": _("This layer is empty."),
        "show": _("Show %(name)s on the map"),
    }


@register.tag
def live(parser: Parser, token: Token) -> "LiveNode":
    """`{% live "contacts" url %} … {% endlive %}`: the block is fetched again from `url` when the topic is told.

    Options: `select="#part"` takes that part of a whole page's answer; `every="30s"` also asks regularly;
    `rest="15s"` lets at least so long pass between two fetches, for blocks that take work to draw.
    """
    _tag, topic, url, *options = token.split_contents()
    given = token_kwargs(options, parser)
    inside = parser.parse(("endlive",))
    parser.delete_first_token()
    return LiveNode(parser.compile_filter(topic), parser.compile_filter(url), given, inside)


class LiveNode(template.Node):
    def __init__(
        self, topic: FilterExpression, url: FilterExpression, options: dict[str, FilterExpression], inside: NodeList
    ) -> None:
        self.topic, self.url, self.options, self.nodelist = topic, url, options, inside

    def render(self, context: template.Context) -> SafeString:
        options = {name: value.resolve(context) for name, value in self.options.items()}
        topics = [word for word in str(self.topic.resolve(context)).replace(",", " ").split() if word] + ["reload"]
        pauses = [f" throttle:{options['rest']}", f" delay:{options['rest']}"] if "rest" in options else [""]
        when = [f"live:{word} from:body{pause}" for word in topics for pause in pauses] + ["again"]
        if "every" in options:
            when.append(f"every {options['every']}")
        select = format_html(' hx-select="{}"', options["select"]) if "select" in options else ""
        return format_html(
            '<div class="live-block" hx-get="{}" hx-trigger="{}" hx-swap="innerHTML" hx-target="this" data-live{}>{}</div>',
            self.url.resolve(context),
            ", ".join(when),
            select,
            self.nodelist.render(context),
        )


@register.inclusion_tag("core/parts/empty.html")
def nothing(title: str, text: str = "", symbol: str = "inbox", action: str = "", url: str = "") -> dict[str, Any]:
    """What a table or page shows when there is nothing: why, and what to do."""
    return {"title": title, "text": text, "symbol": symbol, "action": action, "url": url}


@register.inclusion_tag("core/parts/kpi.html")
def kpi(title: str, value: Any, note: str = "", symbol: str = "", tone: str = "primary") -> dict[str, Any]:
    """One figure with its name."""
    return {"title": title, "value": value, "note": note, "symbol": symbol, "tone": tone}


@register.filter
def item(mapping: Mapping[Any, Any], key: Any) -> Any:
    """A value of a mapping by a key that only the template knows."""
    return mapping.get(key)


@register.filter
def in_words(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The detail of an entry in the audit trail: each name and value in the reader's language."""
    return [(_(_AUDIT_NAMES[name]) if name in _AUDIT_NAMES else name.replace("_", " "), _said(v)) for name, v in detail.items()]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_said(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value)) or "–"
    return "–" if value in (None, "") else str(value)


@register.filter
def translated(text: str) -> str:
    """A text that a module declared in English, in the reader's language."""
    return _(str(text)) if text else ""


@register.filter
def work_title(title: str) -> str:
    """The title of a piece of work: what it is in the reader's language, and the file's name as it is."""
    kind, colon, rest = title.partition(": ")
    return f"{translated(kind)}{colon}{rest}"


@register.simple_tag
def page_texts() -> SafeString:
    """The sentences that scripts say, in the reader's language."""
    return json_script(
        {
            "unreachable": _("The platform could not be reached. Trying again …"),
            "refused": _("This could not be done. Reload the page and try again."),
            "forbidden": _("You may not do this."),
            "unsent": _("Something that you wrote is not sent yet. Signing out erases it from this device. Sign out?"),
            "live": _("live"),
            "offline": _("offline"),
            "connecting": _("connecting"),
            "live_hint": _("This page updates by itself."),
            "offline_hint": _("The live connection is lost. The page keeps trying; figures may be old."),
        },
        "page-texts",
    )
