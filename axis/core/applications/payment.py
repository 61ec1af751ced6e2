"""What is to be paid for an application, and what the payment platform answers.

A platform answers more than once: pending first, then paid or failed. What was paid stays paid; an answer that fits no
request is nobody's money.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from axis.core.applications.application import Fields
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from datetime import datetime


class Result(StrEnum):
    """error_code."""

    PAID = "0"
    FAILED = "-1"
    PENDING = "1"


class Channel(StrEnum):
    """The way that the money came: a bank itself, VNPT Pay for the other banks, a wallet."""

    BANK = "BANK"
    VNPT_PAY = "VNPTPAY"
    WALLET = "WALLET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform says of an order. `bank` is a bank's or wallet's code, such as VCB, CTG or MOMO."""

    number: str
    order: str
    result: Result
    amount: int = 0
    bank: str = ""
    channel: Channel | None = None
    at: datetime | None = None
    receipt: str = ""  # the number of the receipt (biên lai)


@dataclass(frozen=True, slots=True)
class Payment:
    """A request, and the last that was answered."""

    number: str
    order: str
    agency: str
    amount: int
    bank: str  # of whom it is paid to
    answer: Answer | None = None


def read_request(value: object) -> Payment:
    """A payment request: its fees together are the amount. Raises :class:`Rejected` with every finding."""
    fields = Fields(value)
    number, order, agency = fields.number(), fields.text("MaTraCuuTT"), fields.text("MaDonVi")
    bank = fields.text("MaNHThuHuong")
    for name in ("TKThuHuong", "TenTKThuHuong", "NoiDungThanhToan"):
        fields.text(name)
    fees = fields.each("PhiLePhi")
    amount = sum(one.amount("SoTien") for one in fees)
    fields.problems += [problem for one in fees for problem in one.problems]
    if not fees:
        fields.problems.append(Problem(Fault.PACKET_MISSING, "PhiLePhi", "PhiLePhi"))
    fields.refuse()
    return Payment(number, order, agency, amount, bank)


def read_answer(value: object) -> Answer:
    """An answer. Raises :class:`Rejected` with every finding: what was paid says how much, when, and through whom."""
    fields = Fields(value)
    number, order = fields.number(), fields.text("MaTraCuuTT")
    result = fields.code("error_code", tuple(Result))
    if result != Result.PAID:
        fields.refuse()
        return Answer(number, order, Result(result))
    amount, bank, at = fields.amount("SoTien"), fields.text("MaNganHang"), fields.time("ThoiDiemThanhToan")
    channel = fields.code("KenhThanhToan", tuple(Channel))
    fields.text("MaGiaoDich")
    receipt = fields.inner("BienLai").text("SoBienLai", required=False)
    fields.refuse()
    return Answer(number, order, Result.PAID, amount, bank, Channel(channel), at, receipt)


def ask(known: Payment | None, said: Payment) -> Payment:
    """The payment after this request; `known` is what its order number stands for already. Raises :class:`Rejected`
    PAYMENT_REPEATED where another request had it: such numbers are made at random, and come twice."""
    if known is not None and replace(known, answer=None) != said:
        raise Rejected(Problem(Fault.PAYMENT_REPEATED, "MaTraCuuTT", got=said.order))
    return known or said


def answered(known: Payment | None, said: Answer) -> Payment:
    """The payment after this answer; what is over stays. Raises :class:`Rejected` PAYMENT_MISMATCH: an answer to no
    request, for another application, with another amount, or one that takes back what was paid."""
    if known is None:
        raise Rejected(Problem(Fault.PAYMENT_MISMATCH, "MaTraCuuTT", "MaTraCuuTT", said.order))
    if said.number != known.number:
        raise Rejected(Problem(Fault.PAYMENT_MISMATCH, "MaHoSo", known.number, said.number))
    if said.result is Result.PAID and said.amount != known.amount:
        raise Rejected(Problem(Fault.PAYMENT_MISMATCH, "SoTien", str(known.amount), str(said.amount)))
    if known.answer is not None and known.answer.result is Result.PAID:
        if said.result is Result.FAILED or (said.result is Result.PAID and said != known.answer):
            raise Rejected(Problem(Fault.PAYMENT_MISMATCH, "error_code", known.answer.result, said.result))
        return known
    return replace(known, answer=said)
