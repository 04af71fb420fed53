"""What the small model learns from: text, conversations and pages that any computer can make.

Every example is a pure function of a seed, a split and its number; nothing is downloaded.
"""
