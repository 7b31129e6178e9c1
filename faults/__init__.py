"""The fault matrix: the whole house under random faults and kill -9, and what its users saw beside what was written.

``plan`` decides what will happen, ``runner`` lets it happen, ``judge`` compares: the simulator's screens with what the
model generated and with what our own API claims. Run it with ``python -m faults`` (``make faults``).
"""
