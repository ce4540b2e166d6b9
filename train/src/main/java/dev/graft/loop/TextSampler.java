package dev.graft.loop;

import dev.graft.network.Network;
import dev.graft.text.Tokenizer;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Text from a network in training: plain sampling, the whole sequence computed for every token. */
public final class TextSampler {
  private final Network network;
  private final Tokenizer tokenizer;
  private final double temperature;

  public TextSampler(Network network, Tokenizer tokenizer, double temperature) {
    this.network = network;
    this.tokenizer = tokenizer;
    this.temperature = temperature;
  }

  /**
   * A continuation of a prompt, prompt included.
   *
   * @param tokens how many at most; fewer if the text ends
   */
  public String sample(String prompt, int tokens, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] start = tokenizer.encodeWithSpecials(prompt);
    long[] ids = Arrays.stream(start).asLongStream().toArray();
    int limit = network.spec().maxPositionEmbeddings();
    for (int i = 0; i < tokens && ids.length < limit; i++) {
      int next = draw(network.infer(ids, true).logits(), random);
      if (tokenizer.eosId().isPresent() && next == tokenizer.eosId().getAsInt()) {
        break;
      }
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = next;
    }
    return tokenizer.decode(Arrays.stream(ids).mapToInt(Math::toIntExact).toArray());
  }

  private int draw(double[] logits, SplittableRandom random) {
    double max = Arrays.stream(logits).max().orElseThrow();
    double[] weights = new double[logits.length];
    double sum = 0;
    for (int v = 0; v < logits.length; v++) {
      weights[v] = Math.exp((logits[v] - max) / temperature);
      sum += weights[v];
    }
    double left = random.nextDouble() * sum;
    for (int v = 0; v < weights.length; v++) {
      left -= weights[v];
      if (left < 0) {
        return v;
      }
    }
    return weights.length - 1;
  }
}
