"""Several processes on one port that are one mock for those who use it.

    client ──► worker ──────────► answer      nothing counts but the request
                  │  reports ▼
                  └─────────► parent          /_mock/, what is read with GET, and
                                              all where something counts over all

The parent has the journal, the rules and the numbers. Workers answer by themselves as
long as no request has to do with another, and report what they answered; whoever reads
the parent's state waits until all have reported, and whoever changes it until all
obey. With rules, faults, quotas, a queue, planted defects, a tape or `--strict` there
is something to be counted over all, so workers hand everything on to the parent.
"""
