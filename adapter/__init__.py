"""The QQ official adapter: plain asyncio Python, usable from a REPL, knowing no Django.

How a reply travels through these files, from the inside out:

``stream``      StreamMachine: what may be sent now (pure: no I/O, no clock)
``steps``       the table: kind of frame x QQ's reaction -> what happens next; ``outcomes`` takes each step, for media
                ``media_outcomes``
``uploading``   how far a media item is on its ``ways`` to QQ
``composing``   what a frame holds; ``judging``: what became of the whole reply
``dialects``    a frame as the body QQ takes; the only file that knows QQ's stream field names
``lint``        protocol rules a frame must meet before it leaves
``sender``      drives one machine over a client: all the waiting lives here
``porter``      what of media is no plain request: read, PUT, fetched; the ``desk`` prepares and remembers items
``outside``     requests to addresses that others named, never into a network
``client``      one request, one typed answer (``answers``, ``codes``)
``botpy_door``  the only file that knows botpy's insides
``gateway``     events in (``events``)
``screen``      recorded frames folded into what the user sees
``restoring``   an interrupted segment from its record, back into the machine
"""
