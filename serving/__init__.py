"""The HTTP front that the mock and the reference share: AIOS on the wire.

It knows no model: everything that a model does stands behind `serving.engine`.
"""
