"""What the K2.5-shaped model promises: its shapes and numbers, its files, training, inference."""

SHAPE = """
model.config: published, mini and tiny configurations; every wrong or missing field is named
model.sizes: parameters, bytes and cache of any configuration, without allocating anything
model.inspect: k25 inspect says what a model or its files are made of, without PyTorch
model.bad-input: a sequence or prompt that the model cannot read is refused by name
model.numerics: every part is its formula, and logits are those of an independent implementation
model.yarn: rotary frequencies and the softmax scale are YaRN's
model.attention: attention over latents has two forms that give the same numbers
model.cache: decoding from 576 numbers a token and layer gives what a whole pass gives
model.router: the bias moves the choice of experts, never their weights, and evens the load
model.experts: grouped products give the sum over the chosen experts, and drop no token
model.pixels: pictures become patches as published, from one pixel to 200 to 1
model.pixels-fit: nothing is enlarged, and the published limits hold
model.pixels-modes: palette, grey, 16-bit, CMYK, transparent and rotated pictures are read right
model.pixels-tokens: the tokens of a picture or a video are known without it
model.pixels-video: a video is chunks of up to four frames, and an image a video of one
model.vision: the vision tower is its formula, and an independent implementation's
model.vision-packing: images packed together are what they are one by one
model.vision-bad-input: a chunk or a configuration that the tower cannot take is refused
model.projector: merged patches become vectors of the text's width
"""

LANGUAGE = """
model.tokenizer: text and ids as published; a marker that is written in text stays letters
model.vocabulary: the small vocabulary is learned from Python itself, and anybody can repeat it
model.template: chats as published: thinking and instant, tools, results, images, videos
model.tool-declaration: JSON Schema becomes the published declaration, or the tool is named
model.reply-parsing: a reply is taken apart the same however it is cut, and shows no marker
"""

CHECKPOINTS = """
model.names: published names and the module's parameters are each other's
model.files-strict: headers and indices are checked before any weight is read
model.checkpoint-round-trip: what is saved is loaded bit for bit
model.checkpoint-int4: an INT4 checkpoint is laid out as published
model.checkpoint-lazy: one expert of the published model is read without the rest
model.checkpoint-read-other: a checkpoint of another writer is read
model.checkpoint-faults: tensors missing, unknown, cut, misshapen or not finite are named
model.checkpoint-atomic: a folder is there when it is whole, or not at all
model.int4-format: INT4 in groups of 32, rounded and packed as published
model.qat-exact: training sees exactly the weights that the packed file has
model.packed-product: experts compute from packed weights, 4.5 bits each
model.gguf-header: a GGUF file says what the configuration says
model.gguf-tensors: every text tensor is in the file
model.gguf-vocabulary: llama.cpp cuts text into the same tokens
model.gguf-int4: INT4 experts keep every value in Q4_0
model.gguf-llama-cpp: llama.cpp computes what the model computes
model.gguf-folder: a checkpoint is exported as the model in memory is
model.gguf-refuses: what llama.cpp would compute otherwise is refused by its field
model.gguf-whole: a file is there when it is whole, or not at all
model.gguf-extra: a missing gguf package is named with its extra
"""

TRAINING = """
model.muon: MuonClip's step is its formula, for every expert by itself, and goes on exactly
model.qk-clip: logits of attention stay bounded, and the shared key is left alone
model.training: the loop learns, in the stages of its recipe, and ends when the loss is no number
model.resume: a training that was ended goes on as if it had not been
model.train-command: one command trains, examines and writes a model that answers
model.mini: k25-mini comes with its weights, and does what its card says
model.curves: the course of trainings is drawn into one picture
model.bf16: training in bf16 is near float32
model.checkpointing: recomputed layers have the same gradients and keep less than half
model.parallel: two processes step as one does on the whole batch, with fsdp and with experts
model.recipe-corpus: text that comes with Python, cut without a loss
model.recipe-right: what examples say is right
model.recipe-pages: rendered pages and clips show what their answers say
model.recipe-swarm: a wide task is given out in one turn
model.recipe-systems: the system prompts are those of real runs
model.recipe-splits: what is held out is met nowhere in training
model.recipe-repeatable: an example is a function of seed, split and number; a batch of its step
model.recipe-mask: replies are learned, prompts are not
model.recipe-packing: rows are full, and every picture has its places
model.recipe-fusion: early and late fusion show equally many pictures
model.recipe-marks: replies are marked by what they say
"""

INFERENCE = """
model.sampling: tokens come as often as they are likely, within nucleus and grammar
model.sampling-alone: a row does not depend on the rows beside it
model.batching: replies that are made together are what they are alone
model.continuous: slots serve a queue in order, and none waits for a long prompt
model.prefix-cache: what prompts have in common is read once, pixels included
model.window: a prompt beyond the window is refused by both lengths; a reply ends there or stops
model.grammar-json: a reply fits its schema
model.grammar-tools: calls are of declared tools with fitting arguments
model.grammar-thinking: thoughts come first and come to an end
model.local: local/… replies stream, and their tokens are counted
model.local-name: a model is found by its name and by its folder
model.local-thinking: thoughts come apart from the answer
model.local-tools: calls have ids and arguments that fit
model.local-pictures: pictures and videos come with the request
model.local-together: replies are made together and are what they are alone
model.local-cache: the next turn reads only what is new
model.local-window: a conversation that is too long says how long it may be
model.local-cancel: whoever goes away frees the slot
model.local-extra: libraries come with the first reply, and a missing one is named with its extra
model.served: thoughts, answers and calls come over the server's wire
"""

MEDIA = """
media.pictures: pictures of every plain format are decoded upright
media.pictures-bad-input: broken and oversized pictures are refused by name
media.data-url: data: URLs are read strictly
media.video: a video is looked at twice a second
media.video-variable-rate: a variable rate is sampled by time
media.video-bounds: a long video is thinned and still covered, in bounded memory
media.video-bad-input: a damaged video is refused by name, and opens no other file
media.extra: a missing package is named with its extra
"""

MEASURED = """
bars.model: forward and training step are at least 0.6 as fast as transformers' on the same weights
bars.model-generation: a beginning that prompts share saves most of their reading
bars.model-cache: the latent cache is as small as is calculated, in tensors too
bars.model-growth: the cost of a token stays within bounds from 256 tokens and 8 experts up
bars.model-int4: packed experts are faster than dequantising them, in 4.5 bits a weight
"""
