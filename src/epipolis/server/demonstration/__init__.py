"""The demonstration: an invented city whose truth is known, fed through the interfaces that a real city would use."""
