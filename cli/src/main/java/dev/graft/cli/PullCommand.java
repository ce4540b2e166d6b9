package dev.graft.cli;

import dev.graft.hub.HubListener;
import dev.graft.hub.HubPull;
import dev.graft.hub.HubRepository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft pull}: a repository of the Hugging Face hub into a folder. */
@Command(
    name = "pull",
    mixinStandardHelpOptions = true,
    description = {
      "Fetches a model or data set from the Hugging Face hub: resumes, checks every checksum, keeps what is there.",
      "Weights come as safetensors or GGUF, never as pickles; code is not fetched.",
      "HF_ENDPOINT names another hub, HF_TOKEN opens gated and private repositories."
    })
final class PullCommand implements Callable<Integer> {
  private static final int NAMED = 5;

  @Parameters(paramLabel = "REPO", description = "OWNER/NAME.")
  private String repository;

  @Option(names = "--dataset", description = "REPO is a data set.")
  private boolean dataset;

  @Option(
      names = "--revision",
      paramLabel = "R",
      defaultValue = "main",
      description = "Branch, tag or commit. Default: ${DEFAULT-VALUE}.")
  private String revision;

  @Option(
      names = "--include",
      paramLabel = "GLOB",
      description = "Only files that match, such as '*.json'; may be given several times.")
  private List<String> include = List.of();

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where to write.")
  private Path out;

  @Override
  public Integer call() throws IOException {
    HubRepository.Kind kind = dataset ? HubRepository.Kind.DATASET : HubRepository.Kind.MODEL;
    HubPull.Request request =
        new HubPull.Request(new HubRepository(kind, repository, revision), include, out);
    HubPull.Result result;
    try (Shown shown = new Shown()) {
      result = HubPull.run(request, System.getenv(), shown);
    }
    System.out.printf(
        "%s: %d files fetched, %d were there, commit %s%n",
        out, result.fetched(), result.kept(), result.commit());
    List<String> leftOut = result.leftOut();
    if (!leftOut.isEmpty()) {
      System.out.printf(
          "left out, since Graft does not read them: %s%s%n",
          String.join(", ", leftOut.subList(0, Math.min(NAMED, leftOut.size()))),
          leftOut.size() > NAMED ? " and %d more".formatted(leftOut.size() - NAMED) : "");
    }
    return ExitCode.DONE.code();
  }

  /** Bytes on a progress display that begins when their number is known. */
  private static final class Shown implements HubListener, AutoCloseable {
    private Optional<Progress> progress = Optional.empty();
    private long done;

    @Override
    public void begin(int files, long bytes, long already) {
      done = already;
      progress =
          Optional.of(Progress.of("pull", Progress.Unit.BYTES, already, OptionalLong.of(bytes)));
    }

    @Override
    public void bytes(long count) {
      done += count;
      progress.ifPresent(shown -> shown.to(done));
    }

    @Override
    public void retry(String path, String reason) {
      progress.ifPresent(shown -> shown.message("again: " + path + " (" + reason + ")"));
    }

    @Override
    public void close() {
      progress.ifPresent(Progress::close);
    }
  }
}
