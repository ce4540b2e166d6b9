package dev.graft.page;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a report is about.
 *
 * @param title of the page
 * @param introduction shown first
 * @param runs in the order in which they are listed; at least one, names unique
 * @param findings what was asked of the runs and what they answered; may be empty
 */
public record PageContent(
    String title, List<Paragraph> introduction, List<Series> runs, List<Finding> findings) {
  public PageContent {
    introduction = List.copyOf(introduction);
    runs = uniquelyNamed(runs);
    findings = List.copyOf(findings);
    if (runs.isEmpty()) {
      throw new IllegalArgumentException("a report needs at least one run");
    }
  }

  /**
   * Runs under the names they gave themselves, and no words.
   *
   * @throws dev.graft.events.InvalidRunException where a run cannot be read
   */
  public static PageContent of(String title, List<Path> runs) {
    return new PageContent(title, List.of(), runs.stream().map(Series::of).toList(), List.of());
  }

  /** The same under the names of its groups, for a page that nobody named. */
  public PageContent titledByGroups() {
    List<String> groups = runs.stream().map(Series::group).distinct().toList();
    String names = String.join(", ", groups.subList(0, Math.min(3, groups.size())));
    return new PageContent(
        groups.size() > 3 ? names + " and %d more".formatted(groups.size() - 3) : names,
        introduction,
        runs,
        findings);
  }

  /** Two runs of one name (the same recipe run twice) are told apart by a number. */
  private static List<Series> uniquelyNamed(List<Series> runs) {
    Set<String> taken = new HashSet<>();
    List<Series> unique = new ArrayList<>();
    for (Series run : runs) {
      String name = run.name();
      for (int n = 2; !taken.add(name); n++) {
        name = "%s (%d)".formatted(run.name(), n);
      }
      unique.add(new Series(name, run.group(), run.path()));
    }
    return List.copyOf(unique);
  }
}
