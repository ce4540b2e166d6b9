package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Forward;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code graft logits}: what a model gives for token ids, for comparing with other implementations.
 */
@Command(
    name = "logits",
    mixinStandardHelpOptions = true,
    description = "Prints the logits (and routing) that a model gives for token ids.")
final class LogitsCommand implements Callable<Integer> {
  private static final int SHOWN = 10;

  /** What computes. */
  enum Engine {
    engine,
    train
  }

  @picocli.CommandLine.Parameters(
      paramLabel = "DIR",
      description = "A Hugging Face directory or a GGUF file.")
  private Path directory;

  @Option(
      names = "--ids",
      required = true,
      split = ",",
      description = "Token ids, separated by commas.")
  private long[] ids;

  @Option(
      names = "--engine",
      defaultValue = "engine",
      description = "What computes: the inference engine, or train (libtorch, float32).")
  private Engine engine;

  @Option(names = "--all", description = "Every position rather than the last.")
  private boolean all;

  @Option(
      names = "--greedy",
      paramLabel = "N",
      description = "Also the next N tokens, each the most likely.")
  private int greedy;

  @Option(names = "--json", description = "One JSON object with every number.")
  private boolean json;

  @Option(
      names = "--verbose",
      description = "Says on standard error which kernels compute, and why these.")
  private boolean verbose;

  @Mixin private RankOptions ranks;

  @Override
  public Integer call() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      int vocab = checkpoint.spec().vocabSize();
      for (long id : ids) {
        if (id < 0 || id >= vocab) {
          throw new InvalidInputException(
              "--ids: "
                  + id
                  + " is not a token of "
                  + directory
                  + ", whose vocab_size is "
                  + vocab);
        }
      }
      if (engine == Engine.train && ranks.several()) {
        throw new InvalidInputException(
            "--tp and --shares are for the inference engine; leave out --engine train");
      }
      Logits answer =
          engine == Engine.train
              ? TrainLogits.run(checkpoint, ids, all, greedy)
              : fromEngine(checkpoint);
      if (json) {
        System.out.println(JsonMapper.shared().writeValueAsString(object(answer, vocab)));
      } else {
        print(answer, vocab);
      }
      return ExitCode.DONE.code();
    }
  }

  private Logits fromEngine(Checkpoint checkpoint) throws IOException {
    EngineLogits logits = new EngineLogits(checkpoint.spec(), ids);
    DecoderOptions options =
        DecoderOptions.of(EngineLogits.pages(checkpoint, ids.length + greedy))
            .withKernels(KernelLine.best(verbose))
            .withObserver(logits);
    try (Forward forward = ranks.open(checkpoint, options)) {
      return logits.run(forward, all, greedy);
    }
  }

  private ObjectNode object(Logits answer, int vocab) {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    root.put("engine", engine.name());
    ArrayNode tokens = root.putArray("ids");
    Arrays.stream(ids).forEach(tokens::add);
    float[] logits = answer.logits();
    row(root.putArray("logits_last"), logits, logits.length - vocab, vocab);
    if (all) {
      ArrayNode rows = root.putArray("logits");
      for (int p = 0; p < ids.length; p++) {
        row(rows.addArray(), logits, p * vocab, vocab);
      }
    }
    ArrayNode routers = root.putArray("router");
    for (int l = 0; l < answer.routing().size(); l++) {
      Logits.Routing routing = answer.routing().get(l);
      ObjectNode layer = routers.addObject();
      layer.put("layer", l);
      ArrayNode experts = layer.putArray("expert_ids");
      ArrayNode weights = layer.putArray("weights");
      for (int t = 0; t < ids.length; t++) {
        ArrayNode chosen = experts.addArray();
        ArrayNode shares = weights.addArray();
        for (int j = 0; j < routing.topK(); j++) {
          chosen.add(routing.experts()[t * routing.topK() + j]);
          shares.add(routing.weights()[t * routing.topK() + j]);
        }
      }
    }
    if (greedy > 0) {
      ArrayNode next = root.putArray("greedy");
      Arrays.stream(answer.greedy()).forEach(next::add);
    }
    return root;
  }

  private static void row(ArrayNode into, float[] logits, int from, int count) {
    for (int v = 0; v < count; v++) {
      into.add(logits[from + v]);
    }
  }

  private void print(Logits answer, int vocab) {
    float[] logits = answer.logits();
    int positions = logits.length / vocab;
    for (int p = 0; p < positions; p++) {
      int from = p * vocab;
      List<Integer> best =
          IntStream.range(0, vocab)
              .boxed()
              .sorted(Comparator.comparingDouble((Integer v) -> -logits[from + v]))
              .limit(SHOWN)
              .toList();
      StringBuilder line = new StringBuilder("position " + (all ? p : ids.length - 1) + ":");
      best.forEach(v -> line.append(String.format(Locale.ROOT, "  %d %.4f", v, logits[from + v])));
      System.out.println(line);
    }
    if (greedy > 0) {
      System.out.println("greedy: " + Arrays.toString(answer.greedy()));
    }
  }
}
