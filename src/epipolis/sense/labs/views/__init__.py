"""Pages of the laboratories."""

from .devices import change_device, device, device_state, devices, lot, lots, new_device, renew_device
from .inbox import handle, inbox, message, open_message, reject_shown, undo
from .laboratories import change, codes, forget, laboratories, register, result
from .samples import counter, counter_person, labels, print_label, print_labels, take_back_label

__all__ = [
    "change",
    "change_device",
    "codes",
    "counter",
    "counter_person",
    "device",
    "device_state",
    "devices",
    "forget",
    "handle",
    "inbox",
    "labels",
    "laboratories",
    "lot",
    "lots",
    "message",
    "new_device",
    "open_message",
    "print_label",
    "print_labels",
    "register",
    "reject_shown",
    "renew_device",
    "result",
    "take_back_label",
    "undo",
]
