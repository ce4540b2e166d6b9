"""Renders chat templates with transformers.

usage: check_templates.py CASES_JSON

CASES_JSON is a list of {"template": …, "messages": …, "prompt": true or false}; a list of what they render as is printed as
JSON, null where transformers refuses. bos_token is <s> and eos_token </s>.
"""

import json
import pathlib
import sys

from transformers.utils.chat_template_utils import render_jinja_template


def render(case):
    try:
        rendered, _ = render_jinja_template(conversations=[case["messages"]], chat_template=case["template"],
                                            add_generation_prompt=case["prompt"], bos_token="<s>", eos_token="</s>")
        return rendered[0]
    except Exception as e:  # whatever transformers or the template refuses
        print(e, file=sys.stderr)
        return None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(json.dumps([render(case) for case in json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))]))
