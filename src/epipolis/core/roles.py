"""Roles: what each module's permissions become after `migrate`: ordinary permissions, in ordinary groups."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from epipolis.core.modules import ROLES, Can, modules

CORE_PERMISSIONS = {
    "audit": Can("Read the audit trail", roles=("auditor",)),
    "tokens": Can("Issue and revoke device tokens", roles=("operator",)),
    "accounts": Can("Make accounts and give roles", roles=("operator",)),
    "rules": Can("Read rule packs", roles=tuple(role for role in ROLES if role != "kiosk")),
    "metrics": Can("Read the platform's own metrics", roles=("operator",)),
    "live": Can("Receive live updates", roles=tuple(role for role in ROLES if role != "kiosk")),
}


def declared_permissions() -> dict[str, Can]:
    """Every permission `module.verb` that a module that is switched on declares."""
    found = {f"core.{verb}": can for verb, can in CORE_PERMISSIONS.items()}
    for name, module in modules().items():
        found |= {f"{name}.{verb}": can for verb, can in module.permissions.items()}
    return found


def make_roles(**_: Any) -> None:
    """Make each declared permission, and each role with the permissions it starts with.

    A permission reaches a role only when it is new: what a city has changed since stays as the city wants it.
    """
    groups = {role: Group.objects.get_or_create(name=role)[0] for role in ROLES}
    for full_name, can in declared_permissions().items():
        label, _dot, verb = full_name.partition(".")
        kind = ContentType.objects.get_or_create(app_label=label, model="module")[0]
        permission, created = Permission.objects.get_or_create(
            content_type=kind, codename=verb, defaults={"name": can.text[:255]}
        )
        if created:
            for role in can.roles:
                groups[role].permissions.add(permission)
