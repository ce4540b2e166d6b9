package dev.graft.profile;

import dev.graft.calibration.Profile;
import dev.graft.network.Libtorch;
import dev.graft.parallel.TensorGroup;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Measures what exchanges between two processes take, at several sizes, and draws a line through
 * them: alpha + beta · bytes (Hockney's model, Parallel Computing 20 (1994), 389–398). Both
 * processes call the same methods.
 */
public final class ExchangeProfiler {
  private static final int[] BYTES = {1 << 8, 1 << 12, 1 << 16, 1 << 20, 1 << 23};
  private static final int WARM_UP = 3;
  private static final int ROUNDS = 15;

  private final TensorGroup group;

  /**
   * @param group of two
   */
  public ExchangeProfiler(TensorGroup group) {
    this.group = group;
  }

  /** All kinds. */
  public Map<String, Profile.Exchange> measure() {
    Map<String, Profile.Exchange> lines = new LinkedHashMap<>();
    lines.put("all-reduce", line(group::allReduceSum));
    lines.put("all-to-all", line(this::halves));
    lines.put("broadcast", line(tensor -> group.broadcast(tensor, 0)));
    lines.put("send", halved(line(this::thereAndBack)));
    return lines;
  }

  private void halves(Tensor tensor) {
    long[] halves = {tensor.numel() / 2, tensor.numel() / 2};
    try (PointerScope _ = new PointerScope()) {
      group.allToAll(tensor, halves, halves);
    }
  }

  private void thereAndBack(Tensor tensor) {
    int peer = 1 - group.rank();
    if (group.rank() == 0) {
      group.send(tensor, peer, 1).await();
      group.receive(tensor, peer, 2).await();
    } else {
      group.receive(tensor, peer, 1).await();
      group.send(tensor, peer, 2).await();
    }
  }

  private static Profile.Exchange halved(Profile.Exchange whole) {
    return new Profile.Exchange(whole.alpha() / 2, whole.beta() / 2);
  }

  private Profile.Exchange line(Consumer<Tensor> exchange) {
    double[] seconds = new double[BYTES.length];
    for (int i = 0; i < BYTES.length; i++) {
      seconds[i] = median(exchange, BYTES[i]);
    }
    return fit(BYTES, seconds);
  }

  private double median(Consumer<Tensor> exchange, int bytes) {
    Samples samples = new Samples();
    try (PointerScope _ = new PointerScope()) {
      Tensor tensor = Libtorch.floats(new float[bytes / Float.BYTES], bytes / Float.BYTES);
      for (int round = 0; round < WARM_UP + ROUNDS; round++) {
        group.barrier();
        long began = System.nanoTime();
        exchange.accept(tensor);
        if (round >= WARM_UP) {
          samples.add((System.nanoTime() - began) * 1e-9);
        }
      }
    }
    return samples.median();
  }

  /** The line of the least squares of relative errors, with neither part below 0. */
  static Profile.Exchange fit(int[] bytes, double[] seconds) {
    double ones = 0;
    double x = 0;
    double xx = 0;
    double y = 0;
    double xy = 0;
    for (int i = 0; i < bytes.length; i++) {
      double weight = 1 / (seconds[i] * seconds[i]);
      ones += weight;
      x += weight * bytes[i];
      xx += weight * bytes[i] * (double) bytes[i];
      y += weight * seconds[i];
      xy += weight * bytes[i] * seconds[i];
    }
    double beta = (ones * xy - x * y) / (ones * xx - x * x);
    double alpha = (y - beta * x) / ones;
    if (alpha < 0) {
      return new Profile.Exchange(0, xy / xx);
    }
    return beta < 0 ? new Profile.Exchange(y / ones, 0) : new Profile.Exchange(alpha, beta);
  }
}
