package dev.graft.cli;

import dev.graft.calibration.Profile;
import dev.graft.calibration.ProfileFile;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.ExpertScheme;
import dev.graft.layout.Mesh;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.parallel.Team;
import dev.graft.profile.ExchangeProfiler;
import dev.graft.profile.LayerProfiler;
import dev.graft.profile.MachineFacts;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft profile}: measures what a recipe's pieces take here. */
@Command(
    name = "profile",
    mixinStandardHelpOptions = true,
    description =
        "Measures on this machine what the layers of a recipe's model take, forwards, backwards and"
            + " recomputed, the memory they hold, and exchanges between two processes; graft plan"
            + " --profile takes the file.",
    footer = {"", "Weights stay as they are. Let nothing else run meanwhile."})
final class ProfileCommand implements Callable<Integer> {
  /** Ranks wait while another one measures. */
  private static final int PATIENCE_SECONDS = 600;

  private static final Progress.Unit PERCENT = new Progress.Unit("%", 1);

  @Parameters(index = "0", paramLabel = "RECIPE", description = "A YAML file.")
  private Path recipe;

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "KEY=VALUE",
      description = "Overrides, such as micro_batch_size=8.")
  private List<String> overrides = List.of();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      defaultValue = "profile.json",
      description = "Where the profile is written (${DEFAULT-VALUE}).")
  private Path out;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "15",
      description = "How long the layers are measured (${DEFAULT-VALUE}).")
  private double seconds;

  @Option(
      names = "--processes",
      paramLabel = "N",
      description =
          "How many processes compute at once, since they share caches and memory (as many as the"
              + " recipe has ranks, but no more than there are cores).")
  private Optional<Integer> processes = Optional.empty();

  @Override
  public Integer call() throws IOException {
    Recipe read = read(List.of());
    int cores = Runtime.getRuntime().availableProcessors();
    int computing = processes.orElseGet(() -> Math.min(read.parallel().mesh().world(), cores));
    if (computing < 1 || !(seconds > 0)) {
      throw new InvalidInputException("--processes must be at least 1, and --seconds above 0");
    }
    Optional<RankVariables> place = RankVariables.of(System.getenv());
    if (place.isEmpty()) {
      launch(computing);
    } else {
      measure(place.get(), shareCores(read, computing, cores), computing);
    }
    return ExitCode.DONE.code();
  }

  private void launch(int computing) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("profile", recipe.toString()));
    arguments.addAll(overrides);
    arguments.addAll(
        List.of("--out", "" + out, "--seconds", "" + seconds, "--processes", "" + computing));
    int ranks = Math.max(2, computing);
    Map<String, String> environment =
        Map.of(
            "WORLD_SIZE", "" + ranks,
            "LOCAL_WORLD_SIZE", "" + ranks,
            "MASTER_ADDR", "127.0.0.1",
            "MASTER_PORT", "" + LaunchCommand.free());
    Optional<LaunchedRanks.Failure> failure =
        LaunchedRanks.start(ranks, arguments, environment).await();
    if (failure.isPresent() && failure.get().code() == ExitCode.INVALID_INPUT.code()) {
      throw new InvalidInputException(failure.get().sentence());
    }
    if (failure.isPresent()) {
      throw new IOException(failure.get().sentence());
    }
  }

  /** As training does where the recipe does not say how many threads each process takes. */
  private Recipe shareCores(Recipe read, int computing, int cores) throws IOException {
    if (!Integer.valueOf(0).equals(read.asWritten().get("threads"))) {
      return read;
    }
    return read(List.of("threads=" + Math.max(1, cores / computing)));
  }

  /** Layers are measured one by one, so stages and what they recompute may still be open. */
  private Recipe read(List<String> more) throws IOException {
    List<String> all = new ArrayList<>(overrides);
    all.addAll(List.of("parallel.stages=", "parallel.recompute=", "recompute_layers=0"));
    all.addAll(more);
    return RecipeReader.read(recipe, all);
  }

  private void measure(RankVariables place, Recipe read, int computing) throws IOException {
    Mesh line = new Mesh(1, place.size(), 1, ExpertScheme.NONE, false, 0);
    Duration patience = Duration.ofSeconds(PATIENCE_SECONDS);
    TrainingRank.run(
        place,
        line,
        read,
        patience,
        team -> {
          Optional<Profile> layers =
              team.rank() < computing
                  ? Optional.of(layers(read, computing, team))
                  : Optional.empty();
          team.world().barrier();
          Map<String, Profile.Exchange> exchanges =
              team.world().size() == 2 ? new ExchangeProfiler(team.world()).measure() : Map.of();
          if (team.leads()) {
            Profile whole = with(layers.orElseThrow(), exchanges);
            ProfileFile.write(whole, out);
            table(whole).forEach(System.out::println);
            System.out.println(out);
          }
          return true;
        });
  }

  private Profile layers(Recipe read, int computing, Team team) throws IOException {
    try (LayerProfiler profiler = new LayerProfiler(read);
        Progress progress = Progress.of("profile", PERCENT, 0, OptionalLong.of(100))) {
      profiler.run(
          seconds,
          share -> {
            if (team.leads()) {
              progress.to(Math.round(share * 100));
            }
          });
      return new Profile(
          Profile.VERSION,
          new Version().getVersion()[0],
          profiler.model(),
          new Profile.Work(
              read.precision().key(),
              read.microBatchSize(),
              read.sequenceLength(),
              read.routing().capacityFactor().orElse(0),
              read.threads(),
              computing),
          MachineFacts.here(),
          profiler.embedding(),
          profiler.layer(),
          profiler.head(),
          profiler.optimizer(),
          profiler.dataSeconds(),
          profiler.processBytes(),
          Map.of());
    }
  }

  private static Profile with(Profile layers, Map<String, Profile.Exchange> exchanges) {
    return new Profile(
        layers.version(),
        layers.graft(),
        layers.model(),
        layers.work(),
        layers.machine(),
        layers.embedding(),
        layers.layer(),
        layers.head(),
        layers.optimizer(),
        layers.dataSeconds(),
        layers.processBytes(),
        exchanges);
  }

  private static List<String> table(Profile profile) {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%-12s %10s %11s %12s %12s %14s",
            "piece",
            "forward ms",
            "backward ms",
            "recompute ms",
            "kept",
            "if recomputed"));
    lines.add(row("embedding", profile.embedding()));
    lines.add(row("layer", profile.layer()));
    lines.add(row("head + loss", profile.head()));
    Profile.Optimizer optimizer = profile.optimizer();
    lines.add(
        String.format(
            Locale.ROOT,
            "%-12s %10.3f ms a step over %,d weights",
            "optimizer",
            1e3 * optimizer.seconds(),
            optimizer.parameters()));
    lines.add(
        String.format(
            Locale.ROOT, "%-12s %10.3f ms a micro-batch", "data", 1e3 * profile.dataSeconds()));
    lines.add("process      " + ByteSize.print(profile.processBytes()) + " beyond the tensors");
    profile.exchanges().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry ->
            lines.add(
                String.format(
                    Locale.ROOT,
                    "%-12s %10.3f ms + %.3f ms/MB",
                    entry.getKey(),
                    1e3 * entry.getValue().alpha(),
                    1e9 * entry.getValue().beta())));
    return lines;
  }

  private static String row(String name, Profile.Piece piece) {
    return String.format(
        Locale.ROOT,
        "%-12s %10.3f %11.3f %12.3f %12s %14s",
        name,
        1e3 * piece.forward(),
        1e3 * piece.backward(),
        1e3 * piece.recompute(),
        ByteSize.print(piece.keptBytes()),
        ByteSize.print(piece.keptIfRecomputedBytes()));
  }
}
