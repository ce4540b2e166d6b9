package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.network.Libtorch;
import dev.graft.network.Network;
import dev.graft.network.NetworkOptions;
import dev.graft.network.Parameters;
import dev.graft.network.Precision;
import dev.graft.network.Weights;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Logits from the training network on libtorch, every step from the start. */
final class TrainLogits {
  private TrainLogits() {}

  static Logits run(Checkpoint checkpoint, long[] ids, boolean all, int greedy) throws IOException {
    Libtorch.start(Runtime.getRuntime().availableProcessors(), false);
    try (Parameters parameters = Weights.load(checkpoint, Precision.F32, _ -> true);
        Network network = new Network(checkpoint.spec(), parameters, NetworkOptions.inference())) {
      Network.Inference inference = network.infer(ids, !all);
      float[] logits = floats(inference.logits());
      return new Logits(
          logits,
          inference.routing().stream()
              .map(r ->
                  new Logits.Routing(
                      r.topK(),
                      Arrays.stream(r.expertIds()).mapToInt(Math::toIntExact).toArray(),
                      floats(r.weights())))
              .toList(),
          continuation(network, ids, greedy));
    }
  }

  private static float[] floats(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  private static long[] continuation(Network network, long[] ids, int greedy) {
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
}
