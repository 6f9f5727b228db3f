"""The proof: every planted defect must be noticed, every freedom must be left alone.

The mock lists its defects (`aios-mock --list-defects --json`), and a running one is
told to plant one after the other. A defect is killed when its primary requirement
warns or fails, and judged precisely when nothing trips but its primary and the rows
it declares besides. A variation takes a freedom that the documents leave: nothing
may trip.
"""
