package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.page.Finding;
import dev.graft.page.PageContent;
import dev.graft.page.Paragraph;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Words for a report, from a JSON file: {@code {"introduction": ["…"], "findings": [{"statement":
 * "…", "verdict": "holds | does_not_hold | undecided", "evidence": "…"}]}}.
 */
final class ReportWords {
  private ReportWords() {}

  /** The content with the file's words in it. */
  static PageContent add(PageContent content, Path file) throws IOException {
    JsonNode words;
    try {
      words = JsonMapper.shared().readTree(Files.readString(file));
    } catch (JacksonException e) {
      throw new InvalidInputException(file + ": this is not JSON", e);
    }
    List<Paragraph> introduction = new ArrayList<>(content.introduction());
    words.path("introduction").forEach(text -> introduction.add(Paragraph.of(text.asString())));
    List<Finding> findings = new ArrayList<>(content.findings());
    for (JsonNode finding : words.path("findings")) {
      findings.add(
          new Finding(
              finding.path("statement").asString(""),
              verdict(file, finding.path("verdict").asString("")),
              finding.path("evidence").asString("")));
    }
    return new PageContent(content.title(), introduction, content.runs(), findings);
  }

  private static Finding.Verdict verdict(Path file, String name) {
    for (Finding.Verdict verdict : Finding.Verdict.values()) {
      if (verdict.name().toLowerCase(Locale.ROOT).equals(name)) {
        return verdict;
      }
    }
    throw new InvalidInputException(
        file
            + ": findings has the verdict '"
            + name
            + "'; it is holds, does_not_hold or undecided");
  }
}
