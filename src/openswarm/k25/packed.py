"""Routed experts computed from packed INT4 weights: 4.5 bits a weight in memory, for inference.

Owns the choice between torch's INT4 kernel for CPUs and plain dequantisation, and the layouts that
each keeps. Knows nothing of files; how weights are rounded is `int4`'s. Both ways take activations
in bf16, add up in float32 and round their results to bf16. The kernel's time grows with the rows:
up to some 200 rows of an expert it is the faster way, at one row by far.

Legend of shapes: T tokens, H hidden size, E experts, K experts of a token, I width of an expert,
G = 2 I (gate and up together), Z = T K token copies, sorted by expert; of one matrix: R rows
(outputs), C columns (inputs), S = C/32 scales.
"""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from openswarm.k25.int4 import OFFSET, dequantize, pack, quantize, unpack
from openswarm.k25.layout import GROUP
from openswarm.k25.moe import Experts

KERNEL_ROWS = 16
"""The kernel takes matrices whose rows are a multiple of this."""
_INNER_TILES = 2
"""An argument that the kernel's packing requires, and ignores on CPUs."""
_SCALE_BITS = 0xFFFF


class PackedStack(nn.Module):
    """Matrices of one shape, one of each expert, in INT4.

    Scales are kept as the bits of bf16, so that converting a model's type leaves them alone.
    Buffers are in the layout of this machine's kernel and no part of the state dict.
    """

    nibbles: Tensor
    scale_bits: Tensor

    def __init__(self, q_ERC: Tensor, scale_ERS: Tensor, *, kernel: bool | None = None) -> None:
        """From `int4.quantize`'s results; `kernel` decides the way instead of a check."""
        super().__init__()
        rows, self.columns = q_ERC.shape[-2:]
        self.kernel = kernel if kernel is not None else kernel_takes(rows, self.columns)
        scale_ERS = scale_ERS.to(torch.bfloat16)
        if self.kernel:
            nibbles = torch.stack([_for_kernel(q_RC) for q_RC in q_ERC])
            scale_ERS = scale_ERS.transpose(1, 2)
        else:
            nibbles = pack(q_ERC)
        self.register_buffer("nibbles", nibbles, persistent=False)
        bits = scale_ERS.contiguous().view(torch.int16)
        self.register_buffer("scale_bits", bits, persistent=False)

    def product(self, x_TC: Tensor, expert: int) -> Tensor:
        """Rows, rounded to bf16, times the expert's transposed matrix, `(T, R)` in bf16."""
        x_TC, nibbles = x_TC.to(torch.bfloat16), self.nibbles[expert]
        bits = self.scale_bits[expert]
        if self.kernel:
            return _kernel_product(x_TC, nibbles, bits)
        weight_RC = dequantize(unpack(nibbles, self.columns), bits.view(torch.bfloat16))
        with torch.autocast(x_TC.device.type, enabled=False):
            return F.linear(x_TC.float(), weight_RC).bfloat16()

    @property
    def bytes(self) -> int:
        """What its weights and scales take in memory."""
        return self.nibbles.nbytes + self.scale_bits.nbytes


class PackedExperts(nn.Module):
    """Takes the place of `Experts` at inference; has no gradient."""

    def __init__(
        self,
        gate_up: tuple[Tensor, Tensor],
        down: tuple[Tensor, Tensor],
        *,
        kernel: bool | None = None,
    ) -> None:
        """From the values and scales of gate and up `(E, G, H)`, and of down `(E, H, I)`."""
        super().__init__()
        self.gate_up = PackedStack(*gate_up, kernel=kernel)
        self.down = PackedStack(*down, kernel=kernel)

    @classmethod
    def of(cls, experts: Experts, *, kernel: bool | None = None) -> Self:
        """Quantises experts. Raises `ValueError` when a weight is not finite."""
        return cls(quantize(experts.gate_up_EGH), quantize(experts.down_EHI), kernel=kernel)

    @torch.no_grad()
    def forward(self, x_TH: Tensor, chosen_TK: Tensor, weights_TK: Tensor) -> Tensor:
        """The weighted sum of the chosen experts' outputs, `(T, H)`, in the type of `x`."""
        order_Z = chosen_TK.flatten().argsort(stable=True)
        token_Z = order_Z // chosen_TK.shape[1]
        x_ZH = x_TH.to(torch.bfloat16)[token_Z]
        y_ZH = torch.empty_like(x_ZH)
        end = 0
        for expert, count in enumerate(torch.bincount(chosen_TK.flatten()).tolist()):
            rows = slice(end, end := end + count)
            if count:
                gate, up = self.gate_up.product(x_ZH[rows], expert).chunk(2, dim=-1)
                y_ZH[rows] = self.down.product(F.silu(gate) * up, expert)
        weighted_ZH = y_ZH.float() * weights_TK.flatten()[order_Z, None].float()
        y_TH = torch.zeros(x_TH.shape, dtype=torch.float32, device=x_TH.device)
        return y_TH.index_add_(0, token_Z, weighted_ZH).to(x_TH.dtype)

    @property
    def bytes(self) -> int:
        """What its weights and scales take in memory: 4.5 bits a weight."""
        return self.gate_up.bytes + self.down.bytes


def pack_experts(model: nn.Module) -> int:
    """Puts packed experts in the place of all `Experts` in a model; the bytes they take."""
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, Experts)
    ]
    total = 0
    for parent, name, experts in places:
        packed = PackedExperts.of(experts)
        setattr(parent, name, packed)
        total += packed.bytes
    return total


def kernel_takes(rows: int, columns: int) -> bool:
    """Whether this torch has the kernel, it takes such matrices, and it computes the right thing.

    The last is tried on a small product, as the kernel is no public part of torch.
    """
    return rows % KERNEL_ROWS == 0 and columns % GROUP == 0 and _kernel_is_right()


def _kernel_is_right() -> bool:
    """Multiplies the identity, which gives the weights back."""
    q_RC = torch.arange(KERNEL_ROWS * GROUP).remainder(15).sub(7).view(KERNEL_ROWS, GROUP)
    scale_SR = torch.full((1, KERNEL_ROWS), 0.5, dtype=torch.bfloat16)
    one_CC = torch.eye(GROUP, dtype=torch.bfloat16)
    try:
        weight_CR = _kernel_product(one_CC, _for_kernel(q_RC), scale_SR.view(torch.int16))
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    return torch.equal(weight_CR.float(), q_RC.T * 0.5)


def _for_kernel(q_RC: Tensor) -> Tensor:
    """One matrix in the kernel's own order, two values a byte."""
    nibbles = q_RC.to(torch.int32) + OFFSET
    return torch._convert_weight_to_int4pack_for_cpu(nibbles, _INNER_TILES)


def _kernel_product(x_TC: Tensor, nibbles: Tensor, bits_SR: Tensor) -> Tensor:
    """The kernel wants pairs of scale and zero point in bf16.

    Widening the bits of the scale to 32 makes such a pair, with 0 as its second half: the zero
    points of symmetric weights need no memory.
    """
    pairs = bits_SR.to(torch.int32).bitwise_and_(_SCALE_BITS).view(torch.bfloat16)
    return torch._weight_int4pack_mm_for_cpu(
        x_TC.contiguous(), nibbles, GROUP, pairs.view(*bits_SR.shape, 2)
    )
