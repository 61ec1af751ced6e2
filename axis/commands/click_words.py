"""Click's own words in Vietnamese: the one place that knows them.

Click looks its texts up by ``_`` and ``ngettext`` of the module that says them, and has no Vietnamese catalogue. Where
the process speaks Vietnamese, these two are given ours. A text that a newer click may add stays English, and a test
says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click import core, decorators, exceptions, formatting, parser, termui, types, utils

from axis.texts import TEXTS, text

if TYPE_CHECKING:
    from axis.errors import Language

_MODULES = (core, decorators, exceptions, formatting, parser, termui, types, utils)
_MOMENT = "{value!r} không phải ngày hoặc ngày giờ; viết như 25/11/2026, '25/11/2026 08:30' hoặc 2026-11-25."
# By click's text. Both numbers of a text that has two are given the same sentence: Vietnamese has one.
WORDS = {
    "Usage:": "Cách dùng:",
    "Options": "Tùy chọn",
    "Commands": "Các lệnh",
    "Positional arguments": "Đối số",
    "Show this message and exit.": "Hiện trợ giúp này rồi thoát.",
    "Show the version and exit.": "In phiên bản rồi thoát.",
    "%(prog)s, version %(version)s": "%(prog)s, phiên bản %(version)s",
    "Try '{command} {option}' for help.": "Xem trợ giúp: {command} {option}",
    "Error: {message}": "Lỗi: {message}",
    "Error: invalid input": "Lỗi: giá trị không hợp lệ",
    "Error: The two entered values do not match.": "Lỗi: hai lần nhập khác nhau.",
    "Aborted!": "Đã dừng theo yêu cầu.",
    "Do you want to continue?": "Tiếp tục?",
    "Confirm the action without prompting.": "Đồng ý, không hỏi lại.",
    "Repeat for confirmation": "Nhập lại để xác nhận",
    "Press any key to continue...": "Nhấn phím bất kỳ để tiếp tục…",
    "Missing command.": "Thiếu tên lệnh.",
    "Missing argument": "Thiếu đối số",
    "Missing option": "Thiếu tùy chọn",
    "Missing parameter": "Thiếu tham số",
    "Missing parameter: {param_name}": "Thiếu tham số: {param_name}",
    "Missing {param_type}": "Thiếu {param_type}",
    "Choose from:\n\t{choices}": "Chọn một trong:\n\t{choices}",
    "Choose from:\n\t{choices}.": "Chọn một trong:\n\t{choices}.",
    "Choice({choices})": "Chọn ({choices})",
    "Invalid value: {message}": "Giá trị không hợp lệ: {message}",
    "Invalid value for {param_hint}: {message}": "Giá trị của {param_hint} không hợp lệ: {message}",
    "No such option {name!r}.": "Không có tùy chọn {name!r}.",
    "No such option: {name}": "Không có tùy chọn: {name}",
    "No such command {name!r}.": "Không có lệnh {name!r}.",
    "Did you mean {possibility}?": "Có phải {possibility}?",
    "(Did you mean one of: {possibilities}?)": "Có phải một trong: {possibilities}?",
    "(Possible options: {possibilities})": "Có thể là: {possibilities}",
    "Got unexpected extra argument ({args})": "Thừa đối số ({args})",
    "Got unexpected extra arguments ({args})": "Thừa đối số ({args})",
    "Option {name!r} does not take a value.": "Tùy chọn {name!r} không kèm giá trị.",
    "Option {name!r} requires an argument.": "Tùy chọn {name!r} cần một giá trị.",
    "Option {name!r} requires {nargs} arguments.": "Tùy chọn {name!r} cần {nargs} giá trị.",
    "Argument {name!r} takes {nargs} values.": "Đối số {name!r} cần {nargs} giá trị.",
    "Takes {nargs} values but 1 was given.": "Cần {nargs} giá trị mà chỉ có 1.",
    "Takes {nargs} values but {len} were given.": "Cần {nargs} giá trị mà có {len}.",
    "{len_type} values are required, but {len_value} was given.": "Cần {len_type} giá trị mà có {len_value}.",
    "{len_type} values are required, but {len_value} were given.": "Cần {len_type} giá trị mà có {len_value}.",
    "Value must be an iterable.": "Giá trị phải là một danh sách.",
    "{value!r} is not {choice}.": "{value!r} không phải {choice}.",
    "{value!r} is not one of {choices}.": "{value!r} không phải một trong {choices}.",
    "{value!r} does not match the format {format}.": _MOMENT,
    "{value!r} does not match the formats {formats}.": _MOMENT,
    "{value} is not in the range {range}.": "{value} ngoài khoảng {range}.",
    "{value!r} is not a valid {number_type}.": "{value!r} không phải {number_type}.",
    "{value!r} is not a valid boolean.": "{value!r} không phải có hoặc không.",
    "{value!r} is not a valid boolean. Recognized values: {states}": "{value!r} không phải một trong {states}",
    "{value!r} is not a valid UUID.": "{value!r} không phải UUID.",
    "{name} {filename!r} does not exist.": "{name} {filename!r} không có.",
    "{name} {filename!r} is a file.": "{filename!r} là tệp, không phải thư mục.",
    "{name} {filename!r} is a directory.": "{filename!r} là thư mục, không phải tệp.",
    "{name} {filename!r} is not readable.": "{name} {filename!r} không đọc được.",
    "{name} {filename!r} is not writable.": "{name} {filename!r} không ghi được.",
    "{name} {filename!r} is not executable.": "{name} {filename!r} không chạy được.",
    "Could not open file {filename!r}: {message}": "Không mở được tệp {filename!r}: {message}",
    "Unknown standard stream '{name}'": "Không có luồng chuẩn «{name}»",
    "unknown error": "lỗi không rõ",
    "file": "tệp",
    "directory": "thư mục",
    "path": "đường dẫn",
    "(deprecated)": "(sẽ bỏ)",
    "deprecated": "sẽ bỏ",
    "(dynamic)": "(tùy lúc)",
    "required": "bắt buộc",
    "default: {default}": "mặc định: {default}",
    "env var: {var}": "biến môi trường: {var}",
}
# What stands in click's classes and is looked up nowhere.
_TYPES = {
    "text": "chữ",
    "integer": "số",
    "integer range": "số",
    "float": "số",
    "float range": "số",
    "boolean": "có/không",
}
_PIECES = {"[OPTIONS]": "[TÙY CHỌN]", "COMMAND": "LỆNH", "[ARGS]": "[ĐỐI SỐ]"}


def install(language: Language) -> None:
    """From here on click speaks `language` in this process."""
    if language == "vi":
        for module in _MODULES:
            for name, ours in (("_", _one), ("ngettext", _many)):
                if hasattr(module, name):
                    setattr(module, name, ours)
        for kind in (types.StringParamType, types.IntParamType, types.IntRange, types.FloatParamType, types.FloatRange):
            kind.name = _TYPES[kind.name]
        types.BoolParamType.name = _TYPES["boolean"]
    moment = "[NGÀY|NGÀY GIỜ]" if language == "vi" else "[DATE|DATE TIME]"
    types.DateTime.get_metavar = lambda *_a, **_k: moment  # type: ignore[method-assign]  # not the formats of C
    core.Command.collect_usage_pieces = _usage_pieces(core.Command.collect_usage_pieces, language)  # type: ignore[method-assign]
    core.Argument.make_metavar = _metavar(core.Argument.make_metavar, language)  # type: ignore[method-assign]
    core.Group.collect_usage_pieces = _usage_pieces(core.Group.collect_usage_pieces, language)  # type: ignore[method-assign]


def said(words: str, language: Language) -> str:
    """A text of click's, said by us."""
    return WORDS[words] if language == "vi" else words


def _one(words: str) -> str:
    return WORDS.get(words, words)


def _many(one: str, several: str, count: int) -> str:
    return _one(one if count == 1 else several)


def _usage_pieces(before: Any, language: Language) -> Any:
    def pieces(command: click.Command, context: click.Context) -> list[str]:
        found: list[str] = before(command, context)
        return [_in_vietnamese(one) for one in found] if language == "vi" else found

    return pieces


def _in_vietnamese(piece: str) -> str:
    for english, ours in _PIECES.items():
        piece = piece.replace(english, ours)
    return piece


def _metavar(before: Any, language: Language) -> Any:
    """An argument's name as the language has it, where the command has not named it."""

    def metavar(argument: click.Argument, context: click.Context) -> str:
        shown: str = before(argument, context)
        key = f"metavar.{argument.name}"
        return shown.replace(str(argument.name).upper(), text(key, language)) if key in TEXTS else shown

    return metavar
