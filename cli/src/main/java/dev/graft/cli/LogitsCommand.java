package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.network.Libtorch;
import dev.graft.network.Network;
import dev.graft.network.NetworkOptions;
import dev.graft.network.Parameters;
import dev.graft.network.Precision;
import dev.graft.network.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
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
      defaultValue = "train",
      description = "What computes: ${COMPLETION-CANDIDATES} (libtorch, float32).")
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

  @Override
  public Integer call() throws IOException {
    Libtorch.start(Runtime.getRuntime().availableProcessors(), false);
    try (Checkpoint checkpoint = Checkpoint.open(directory);
        Parameters parameters = Weights.load(checkpoint, Precision.F32, _ -> true);
        Network network = new Network(checkpoint.spec(), parameters, NetworkOptions.inference())) {
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
      Network.Inference inference = network.infer(ids, !all);
      long[] continuation = continuation(network);
      if (json) {
        System.out.println(
            JsonMapper.shared().writeValueAsString(object(inference, vocab, continuation)));
      } else {
        print(inference, vocab, continuation);
      }
      return ExitCode.DONE.code();
    }
  }

  private long[] continuation(Network network) {
    long[] sequence = ids;
    for (int i = 0; i < greedy; i++) {
      double[] logits = network.infer(sequence, true).logits();
      int best =
          IntStream.range(0, logits.length).reduce(0, (a, b) -> logits[b] > logits[a] ? b : a);
      sequence = Arrays.copyOf(sequence, sequence.length + 1);
      sequence[sequence.length - 1] = best;
    }
    return Arrays.copyOfRange(sequence, ids.length, sequence.length);
  }

  private ObjectNode object(Network.Inference inference, int vocab, long[] continuation) {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    root.put("engine", engine.name());
    ArrayNode tokens = root.putArray("ids");
    Arrays.stream(ids).forEach(tokens::add);
    double[] logits = inference.logits();
    row(root.putArray("logits_last"), logits, logits.length - vocab, vocab);
    if (all) {
      ArrayNode rows = root.putArray("logits");
      for (int p = 0; p < ids.length; p++) {
        row(rows.addArray(), logits, p * vocab, vocab);
      }
    }
    ArrayNode routers = root.putArray("router");
    for (int l = 0; l < inference.routing().size(); l++) {
      Network.Routing routing = inference.routing().get(l);
      ObjectNode layer = routers.addObject();
      layer.put("layer", l);
      ArrayNode experts = layer.putArray("expert_ids");
      ArrayNode weights = layer.putArray("weights");
      for (int t = 0; t < ids.length; t++) {
        ArrayNode chosen = experts.addArray();
        ArrayNode shares = weights.addArray();
        for (int j = 0; j < routing.topK(); j++) {
          chosen.add(routing.expertIds()[t * routing.topK() + j]);
          shares.add(routing.weights()[t * routing.topK() + j]);
        }
      }
    }
    if (greedy > 0) {
      ArrayNode next = root.putArray("greedy");
      Arrays.stream(continuation).forEach(next::add);
    }
    return root;
  }

  private static void row(ArrayNode into, double[] logits, int from, int count) {
    for (int v = 0; v < count; v++) {
      into.add((float) logits[from + v]);
    }
  }

  private void print(Network.Inference inference, int vocab, long[] continuation) {
    double[] logits = inference.logits();
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
      System.out.println("greedy: " + Arrays.toString(continuation));
    }
  }
}
