"""Renders every chat template of a file for every conversation with transformers.

usage: check_templates.py TEMPLATES_TXT CONVERSATIONS_JSON

Lines of = separate the templates. Prints a JSON list: per template and conversation the text without and with the head of
an answer, null where transformers refuses. bos_token is <s> and eos_token </s>. What it prints for the files in
model/src/test/resources/dev/graft/text is templates-rendered.json beside them.
"""

import json
import pathlib
import re
import sys

from transformers.utils.chat_template_utils import render_jinja_template


def render(template, messages, prompt):
    try:
        rendered, _ = render_jinja_template(conversations=[messages], chat_template=template,
                                            add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>")
        return rendered[0]
    except Exception as e:  # whatever transformers or the template refuses
        print(e, file=sys.stderr)
        return None


def main(templates, conversations):
    templates = re.split(r"(?m)^=+\n", pathlib.Path(templates).read_text(encoding="utf-8"))
    conversations = json.loads(pathlib.Path(conversations).read_text(encoding="utf-8"))
    texts = [render(template, messages, prompt)
             for template in templates for messages in conversations for prompt in (False, True)]
    print("[\n" + ",\n".join(json.dumps(text, ensure_ascii=False) for text in texts) + "\n]")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
