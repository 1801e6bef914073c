"""Grading a class: stock nbgrader's formats, preprocessors and gradebook, another way to run.

    grade ── prepare (converter: reading, align, nbgrader's sanitising) ──> Job
    runner.run(job) ── launch, server, sandbox, kernel ──> Result
    grade ── finish (converter: nbgrader's saving) ──> gradebook, autograded/, records

**Interface.** `runner.run(job) -> Result` is a function of a `jobs.Job` alone and touches neither
class nor gradebook: both are plain data that can be pickled, so any worker (a thread, a process, a
Dask worker) can call it, several at once; it starts its own fork server on first use and
`launch.close_servers()` ends it. Before jobs are made elsewhere, `protect.find_protection(setup)`
must be tried there. `grade.grade_class(..., pool=...)` takes anything with `submit(function, job)`
that returns a `concurrent.futures.Future`; preparing and saving stay in the one process that has
the gradebook. `records.Records` reads what became of each submission.

**What protects whom.** A submission is taken for hostile. *Prevented*, where the kernel gives
namespaces: reading or changing anything but its own folder (the class, its gradebook, sources,
hidden tests to come and classmates' work are not in its file system), the network, signals to and
sight of other processes, processes that outlive it, use without limit of time, memory, disk,
processes and output. *Detected* by canaries, shapes of messages and signs in the source, and put
before the instructor: the common ways to pass tests without solving them. *Not detected*: code
that knows this grader and forges just the outcome of a test, since tests and answers share one
process, or that reads a hidden test while it runs to answer it; deciding that is impossible in
general. *Not prevented*: holes in the kernel itself, and slowing the machine within the limits.

**Time** is measured in CPU seconds of all processes of a submission, so that a busy machine costs
nobody points; doing nothing counts as well; the clock is only a loose backstop. What ran out of
time runs once more, alone.
"""
