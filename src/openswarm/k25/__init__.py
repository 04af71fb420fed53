"""The K2.5-shaped model in PyTorch: text backbone, vision, tokenizer, checkpoints, training.

Read it beside `docs/model.md`, in the order `config`, `rope`, `attention`, `moe`, `text`, `vision`,
`model`, `generation`. Names of configuration fields and weights are those of the published
checkpoint. Nothing here knows of agents, runs or endpoints; `config`, `layout`, `sizes` and
`headers` need no torch.
"""
