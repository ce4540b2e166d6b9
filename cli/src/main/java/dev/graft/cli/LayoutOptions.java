package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ConfigReader;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.Shares;
import dev.graft.layout.TensorParallel;
import dev.graft.layout.WeightBytes;
import dev.graft.layout.WeightScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The options of {@code graft inspect} that deal a model out to ranks. */
final class LayoutOptions {
  /** The spelling on the command line. */
  private enum Weights {
    fp8(WeightScheme.FP8),
    q8(WeightScheme.Q8),
    bf16(WeightScheme.BF16),
    f16(WeightScheme.F16),
    f32(WeightScheme.F32);

    private final WeightScheme scheme;

    Weights(WeightScheme scheme) {
      this.scheme = scheme;
    }
  }

  @Option(
      names = "--tp",
      paramLabel = "N",
      description = "Show what each of N tensor-parallel ranks would hold.")
  private Optional<Integer> ranks = Optional.empty();

  @Option(
      names = "--shares",
      paramLabel = "S,S,...",
      description = "With --tp: how strong each rank is, such as 5,3,1; equal if absent.")
  private Optional<String> shares = Optional.empty();

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description =
          "With --tp: memory of each rank, such as 24GB, or one size per rank, such as"
              + " 24GB,24GB,16GB; says whether the model fits.")
  private Optional<String> memory = Optional.empty();

  @Option(
      names = "--weights",
      paramLabel = "SCHEME",
      description =
          "With --tp: count the weights as if they were ${COMPLETION-CANDIDATES}; then"
              + " config.json alone will do.")
  private Optional<Weights> weights = Optional.empty();

  @Option(
      names = "--kv-cache-dtype",
      paramLabel = "DTYPE",
      defaultValue = "f32",
      description =
          "With --tp: numbers of the KV cache, ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private LayoutFacts.CacheNumbers cache;

  /** Whether the question is who holds what. */
  boolean asked() {
    if (ranks.isEmpty() && shares.isEmpty() && (memory.isPresent() || weights.isPresent())) {
      throw new InvalidInputException(
          (memory.isPresent() ? "--memory" : "--weights")
              + " says nothing without --tp; add --tp 1 for a single rank");
    }
    return ranks.isPresent() || shares.isPresent();
  }

  /** Prints who holds what. */
  void print(Path directory, boolean json) throws IOException {
    ObjectNode config = Checkpoint.readConfig(directory);
    ModelSpec spec = ConfigReader.read(directory.resolve("config.json").toString(), config);
    if (weights.isPresent()) {
      WeightScheme scheme = weights.get().scheme;
      print(facts(spec, WeightBytes.planned(scheme), "as " + weights.get().name()), json);
      return;
    }
    if (Files.isDirectory(directory)
        && !Files.exists(directory.resolve("model.safetensors"))
        && !Files.exists(directory.resolve("model.safetensors.index.json"))) {
      throw new InvalidInputException(
          directory
              + ": there are no weights to count beside config.json; say how to count them with"
              + " --weights fp8 (or q8, bf16, f16, f32)");
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      print(facts(spec, WeightBytes.stored(checkpoint), "as stored"), json);
    }
  }

  private LayoutFacts facts(ModelSpec spec, WeightBytes bytes, String name) {
    Shares strength = Shares.of(ranks, shares);
    TensorParallel layout = TensorParallel.of(spec, strength);
    return new LayoutFacts(layout, bytes, name, cache, memory(layout.ranks()));
  }

  private List<Long> memory(int count) {
    if (memory.isEmpty()) {
      return List.of();
    }
    List<Long> sizes = new ArrayList<>();
    for (String size : memory.get().split(",", -1)) {
      sizes.add(ByteSize.parse("--memory", size));
    }
    if (sizes.size() != 1 && sizes.size() != count) {
      throw new InvalidInputException(
          "--memory "
              + memory.get()
              + " names "
              + sizes.size()
              + " sizes for "
              + count
              + " ranks; give one for all or one per rank");
    }
    return sizes.size() == count ? sizes : Collections.nCopies(count, sizes.getFirst());
  }

  private static void print(LayoutFacts facts, boolean json) {
    if (json) {
      System.out.println(
          JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(facts.json()));
    } else {
      facts.lines().forEach(System.out::println);
    }
  }
}
