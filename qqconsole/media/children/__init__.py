"""Programs that look into other people's files, each in a process of its own (``media.child`` starts them).

They are run by their path, import nothing of ours, and answer with one line of JSON.
"""
