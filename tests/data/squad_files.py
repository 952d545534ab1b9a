"""A small file in SQuAD's format, with its difficult cases."""

import json
from pathlib import Path
from typing import Any

LONG = " ".join(f"w{n}" for n in range(60)) + "."
# A context, then questions: id, question, and answers as in the context. An
# answer starts where its text first occurs.
ARTICLES = {
    "Verdi": [
        (
            'Giuseppe Verdi (1813–1901) wrote "Aida"  in 1871. The première '
            "was in Cairo, on 24 December 1871; the U.S. saw it in 1873.",
            [
                ("born", "When was Verdi born?", ["1813"]),
                ("wrote", "What did he write?", ["Aida", '"Aida"']),
                ("where", "Where was the first night?", ["Cairo", "in Cairo"]),
                (
                    "day",
                    "On what day was it?",
                    ["24 December 1871", "24 December", "December 1871"],
                ),
                ("country", "Who saw it in 1873?", ["the U.S.", "U.S", "U.S."]),
            ],
        ),
        (
            LONG,
            [
                ("first", "What comes first?", ["w0"]),
                ("middle", "And in the middle?", ["w29 w30 w31", "w30"]),
                ("last", "And at the end?", ["w59.", "w58 w59"]),
            ],
        ),
    ],
    "Café": [
        (
            "The cafe\u0301 ☕ sold 1,000 cups a day — 30km away.\nIt’s "
            "naïve, 50% \U0001f642 off!",
            [
                ("cups", "How many cups?", ["1,000", "1,000 cups a day"]),
                ("what", "What sold them?", ["The cafe\u0301", "cafe"]),
                ("far", "How far?", ["30km", "30"]),
                ("off", "What is off?", ["50%", "50% \U0001f642 off"]),
            ],
        ),
    ],
    "北京": [
        (
            "北京是中華人民共和國的首都。人口約2100萬（2018年）。",
            [
                ("capital", "首都是哪裡？", ["北京"]),
                ("people", "人口多少？", ["2100萬", "約2100萬"]),
                ("year", "哪一年？", ["2018年", "2018"]),
            ],
        ),
    ],
}
NUM_ANSWERS = 29
# "U.S" of "U.S." is not inside a word, because punctuation is separate. "cafe"
# of "café" is, because an accent belongs to its word; so is "30" of "30km".
WIDENED = ["cafe", "30"]
IMPOSSIBLE = [
    ("never", "Verdi", "When was Wagner born?"),
    ("nothing", "北京", "上海有多少人？"),
]


def squad(version_2: bool = False) -> dict[str, Any]:
    """Returns the content; version 2.0 has questions without answers."""
    data = []
    for title, contexts in ARTICLES.items():
        paragraphs = []
        for context, questions in contexts:
            qas: list[dict] = [
                {
                    "id": name,
                    "question": question,
                    "answers": [
                        {"text": text, "answer_start": context.index(text)}
                        for text in answers
                    ],
                }
                for name, question, answers in questions
            ]
            paragraphs.append({"context": context, "qas": qas})
        data.append({"title": title, "paragraphs": paragraphs})
        if version_2:
            for qa in (qa for p in paragraphs for qa in p["qas"]):
                qa["is_impossible"] = False
            paragraphs[0]["qas"] += [
                {
                    "id": name,
                    "question": question,
                    "answers": [],
                    "plausible_answers": [{"text": "1813", "answer_start": 0}],
                    "is_impossible": True,
                }
                for name, article, question in IMPOSSIBLE
                if article == title
            ]
    return {"version": "v2.0" if version_2 else "1.1", "data": data}


def write_squad(path: Path, version_2: bool = False) -> Path:
    content = json.dumps(squad(version_2), ensure_ascii=False)
    path.write_text(content, encoding="utf-8")
    return path
