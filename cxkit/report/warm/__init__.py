"""A warm process that forks a child per task, and the notebook kernel that such a child is.

`executor`: a `concurrent.futures.Executor` that starts the `parent` process, which forks a `child` per task.
`cells`: the kernel that a child inherits; `streams` are its outputs, `rehearsal` its first uses, done once.
`notebooks`: papermill's engine on such a kernel, reached through `channels`; `serving` and `wire` join two processes.
"""
