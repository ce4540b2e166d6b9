package dev.graft.score;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Takes what a pattern finds out of a text, as lm-evaluation-harness 0.4.13's filter {@code regex}
 * does: of all finds the one numbered {@code select} (negative: from the end), of its groups the
 * first that is not empty, and {@code fallback} where there is none.
 */
record RegexExtraction(Pattern pattern, int select, String fallback) {
  /** What lm-evaluation-harness puts in the place of no answer. */
  static final String INVALID = "[invalid]";

  String apply(String text) {
    List<String> finds = new ArrayList<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      finds.add(find(matcher));
    }
    int index = select < 0 ? finds.size() + select : select;
    return index >= 0 && index < finds.size() ? PythonText.strip(finds.get(index)) : fallback;
  }

  /** As an element of {@code re.findall}: the match, its only group, or one of several. */
  private String find(Matcher matcher) {
    if (matcher.groupCount() == 0) {
      return matcher.group();
    }
    for (int g = 1; g <= matcher.groupCount(); g++) {
      String group = matcher.group(g);
      if (group != null && !group.isEmpty()) {
        return group;
      }
    }
    return matcher.groupCount() == 1 ? "" : fallback;
  }
}
