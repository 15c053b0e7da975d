"""The soak: the gateway under a mix of traffic and faults for a long time, and a judge of what it holds on to.

    make soak               half an hour
    make soak MINUTES=2

  kinds     what is tried: how often, what must come of it, which faults excuse a failure
  traffic   the clients, one process in the node
  operations, lasting, ways, questions
            what they do; lasting: their connections that must stay alive
  plan      what is done to the gateway meanwhile: reloads, a kill, upstreams that die, names that move
  outside   the capture behind the gateway
  samples   memory, descriptors and tables, every few seconds
  judge     pure: all of that → findings, good or bad
  report    the live line, the table, the JSON
"""
