"""How long the printer's file takes: labels for a whole city, 489 of them, in processor seconds.

    python -m bench.labels

Limit: 10 s.
"""

from __future__ import annotations

import time

from bench.measure import heading, table, verdict
from fieldapp.codes.labels import Label, labels_pdf

MANY, LIMIT = 489, 10.0


def main() -> None:
    heading("labels")
    items = [
        Label(
            f"https://qzq.example.cn/q/{number:022d}",
            f"北疆第{number}号新能源材料股份有限公司",
            f"{200000 + number}",
        )
        for number in range(MANY)
    ]
    began = time.process_time()
    content = labels_pdf(items)
    seconds = time.process_time() - began
    table([[MANY, verdict(seconds, LIMIT), len(content)]], ["labels", "CPU s", "bytes"])


if __name__ == "__main__":
    main()
