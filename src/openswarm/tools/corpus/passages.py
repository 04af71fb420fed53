"""The lines of one document that answer questions best: for a model that gets a single prompt."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from openswarm.tools.corpus.chunks import cut
from openswarm.tools.corpus.words import telling_words, words

HEAD = 3.0
LABEL = 4.0
LB = 0.6
BB = 0.3
K = 1.2
TAIL = 1.0


class Passage(NamedTuple):
    offset: int
    text: str


class Unit(NamedTuple):
    offset: int
    label: list
    body: list
    text: str


def units(kind, text):
    out = []
    off = 0
    for line in text.splitlines(True):
        t = line.rstrip("\n")
        label, sep, body = t.partition(": ")
        if not sep:
            label, body = "", t
        if len(t) > 300:
            ps = cut(body, 260, 300)
            for i, p in enumerate(ps):
                out.append(
                    Unit(
                        off, words(label), words(p), (label + sep + ("… " if i else "") + p.strip())
                    )
                )
        else:
            out.append(Unit(off, words(label), words(body), t))
        off += len(line.encode())
    return out


def best_passages(kind, text, queries, budget):
    us = units(kind, text)
    df = Counter(w for u in us for w in {*u.label, *u.body})
    al = sum(len(u.label) for u in us) / len(us)
    ab = sum(len(u.body) for u in us) / len(us)
    ranked = []
    for q in queries:
        head, sep, rest = q.partition(":")
        wt = {}
        for w in telling_words(rest):
            wt[w] = 1.0
        for w in telling_words(head):
            wt[w] = HEAD
        sc = []
        for i, u in enumerate(us):
            s = 0
            for w, x in wt.items():
                tl = u.label.count(w)
                tb = u.body.count(w)
                if not tl and not tb:
                    continue
                tf = LABEL * tl / (1 - LB + LB * len(u.label) / al) + tb / (
                    1 - BB + BB * len(u.body) / ab
                )
                s += x * math.log(1 + (len(us) - df[w] + 0.5) / (df[w] + 0.5)) * tf / (K + tf)
            if s > 0:
                sc.append((-s, i))
        sc.sort()
        ranked.append(sc)
    chosen = set()
    left = budget
    for r in range(6):
        for sc in ranked:
            if r < len(sc):
                i = sc[r][1]
                if sc[r][0] > 0.35 * sc[0][0]:
                    continue
                b = len(us[i].text.encode()) + 1
                if i not in chosen and b <= left:
                    chosen.add(i)
                    left -= b
    return [Passage(us[i].offset, us[i].text) for i in sorted(chosen)]
