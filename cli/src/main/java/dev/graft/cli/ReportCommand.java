package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.page.EvaluationPage;
import dev.graft.page.PageContent;
import dev.graft.page.ReportPage;
import dev.graft.page.RunFolders;
import dev.graft.trace.ChromeTrace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft report}: one self-contained page that compares runs. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Writes one self-contained HTML page that compares runs.")
final class ReportCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "RUN",
      arity = "1..*",
      description =
          "A run's folder, its events.jsonl, or a folder of runs; or results that graft eval wrote."
              + " Runs whose names differ only by"
              + " -seed2 or -lr1e-3 at their end are shown as one, with their spread.")
  private List<Path> runs;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "report.html",
      description = "Where to write the page (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--title",
      paramLabel = "TEXT",
      description = "Heading of the page (default: the names of the runs).")
  private String title = "";

  @Option(
      names = "--words",
      paramLabel = "FILE",
      description = "A JSON file with an introduction and findings to print above the pictures.")
  private Optional<Path> words = Optional.empty();

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Write what each rank did in the recorded steps of one run as a trace that Perfetto opens"
              + " (https://ui.perfetto.dev), instead of the page.")
  private Optional<Path> trace = Optional.empty();

  @Override
  public Integer call() throws IOException {
    if (runs.stream().allMatch(EvaluationPage::describes)) {
      return evaluations();
    }
    List<Path> found = runs.stream().flatMap(run -> RunFolders.find(run).stream()).toList();
    if (trace.isPresent()) {
      return trace(found, trace.get());
    }
    PageContent content = PageContent.of(title, found);
    if (title.isBlank()) {
      content = content.titledByGroups();
    }
    if (words.isPresent()) {
      content = ReportWords.add(content, words.get());
    }
    ReportPage.write(content, out);
    System.out.printf("%s (%d KB)%n", out, Math.ceilDiv(Files.size(out), 1024));
    return ExitCode.DONE.code();
  }

  private int evaluations() throws IOException {
    if (trace.isPresent() || words.isPresent()) {
      throw new InvalidInputException("--trace and --words are of runs, not of evaluations");
    }
    EvaluationPage.write(title, runs, out);
    System.out.printf("%s (%d KB)%n", out, Math.ceilDiv(Files.size(out), 1024));
    return ExitCode.DONE.code();
  }

  private static int trace(List<Path> found, Path file) throws IOException {
    if (found.size() != 1) {
      throw new InvalidInputException(
          "--trace is of one run, but there are " + found.size() + "; name one run's folder");
    }
    int spans = ChromeTrace.write(found.getFirst(), file);
    System.out.printf("%s (%d spans)%n", file, spans);
    return ExitCode.DONE.code();
  }
}
