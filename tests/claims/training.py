"""What evals and PARL promise: tasks, scorers, the runner; rollouts, reward, objective, scale."""

EVALS = """
evals.widesearch-official: the published WideSearch scorer with its faults, each shown by name
evals.widesearch-strict: strict figures of tables lie in [0, 1], and hostile text raises nothing
evals.short-answers: short answers exactly or by a judge, and the fault of the published grader
evals.deepsearchqa: precision, recall and F1 of components, and accuracy that excess breaks
evals.judge-recorded: every question and reply of a judge is recorded and can be replayed
evals.public-files: public files are read from a local path; malformed rows are named
evals.suites: tables, chains, joins and controls from real corpora, by seed and dials
evals.suite-splits: no wording, question or entity of the tests is in training
evals.suite-truth: every right value stands in the documents of its part
evals.controls: controls in which sub-agents cannot help
evals.suite-hashes: equal seeds give equal tasks; corpora and samples have noted hashes
evals.debian: tables over Debian's packages, read strictly, whose pages hold every value
evals.pydocs: tables over what Python's documents mark as new, changed or deprecated
evals.runner: every task is run once under every arm, budget and repeat, as users' runs are
evals.resume: what stands is not run again, and a torn line is made again
evals.budgets: arms get equal limits, the answer is forced, and no run exceeds its tokens
evals.metrics: parallelism, balance, redundancy, finish rate and yield are folds over the journal
evals.statistics: bootstrap over tasks, paired differences, Spearman with ties, budget to target
evals.figures: every figure is a picture and a CSV that begins with its command
evals.inspect: families and public files are inspect_ai tasks, scored strictly
evals.verifiers: families are a verifiers taskset whose reward is the strict score
evals.equal-scores: the same tasks give equal scores in our runner, inspect_ai and verifiers
evals.command: openswarm eval runs, lists, draws and scores, and resumes
"""

PARL = """
parl.language: every turn that the grammar allows is K2.5's format, and only decisions are masked in
parl.view: documents are numbered, missing ones named, and no text becomes a marker
parl.one-path: a rollout is an ordinary run, hundreds at once, and repeats with its seed
parl.rollout-fold: a rollout is a fold over the journal, with the orchestrator's tokens alone
parl.budget: the critical-step budget is never exceeded and forces an answer
parl.reward: r_parallel and r_finish cannot be had by configurations, duplicates or useless work
parl.annealing: both λ are exactly 0 in the last 40 % of training
parl.objective: advantages, token mean, clipping without regard to sign, squared log-ratio
parl.toggle: rewards are cut beyond a task's token budget in every other phase
parl.demonstrations: demonstrations are rollouts, mostly serial
parl.frozen-workers: the workers' hash is the same before and after
parl.worker-profile: a profile is folded from real journals, and draws follow it
parl.resume: a training goes on from its checkpoint exactly
parl.learns: a small training learns, and collapses where nothing pays for parallel work
parl.command: openswarm train makes a start, trains, resumes and tests an arm
parl.curves: a page an arm and one with all arms, each with its CSV and command
parl.tables: arms are compared at equal item-F1 and at equal success
parl.study: three seeds of four arms, their committed results and curves, say what the page says
parl.worker-hash: the workers' hash is taken before and after, and a change is an error
parl.causal: any causal model of Hugging Face leads rollouts over real text and learns from them
parl.ray: rollouts over a Ray cluster come back once each, and a node that dies loses no other's
parl.export-verl: rollouts are verl outputs with only the policy's tokens marked
parl.export-tinker: rollouts are Tinker datums with advantages on the policy's tokens alone
parl.export-verifiers: the orchestrator's seat is trained, the sub-agents' is not
parl.samples: rollouts are strict, versioned lines that read back as written
"""
