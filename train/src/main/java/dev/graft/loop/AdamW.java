package dev.graft.loop;

import dev.graft.network.Parameters;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.Type;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * AdamW (arXiv 1711.05101) over the flat weights by libtorch's fused kernel, one pass per stretch.
 * Java's binding has no function for it, so it is called through the operator registry.
 */
public final class AdamW implements AutoCloseable {
  private final Recipe.Optimizer settings;
  private final Parameters parameters;
  private final List<Held> held = new ArrayList<>();
  private final Tensor first;
  private final Tensor second;

  /**
   * Weights whose moments are here.
   *
   * @param weights a stretch of the flat weights
   * @param at where its moments begin in the flat moments
   */
  public record Held(Parameters.Stretch weights, long at) {}

  public AdamW(Recipe.Optimizer settings, Parameters parameters) {
    this(settings, parameters, parameters.stretches());
  }

  /** Of some of the weights only. */
  public AdamW(
      Recipe.Optimizer settings, Parameters parameters, List<Parameters.Stretch> stretches) {
    this.settings = settings;
    this.parameters = parameters;
    long elements = 0;
    for (Parameters.Stretch stretch : stretches) {
      held.add(new Held(stretch, elements));
      elements += stretch.elements();
    }
    try (PointerScope _ = new PointerScope()) {
      Tensor like = parameters.flatGradients();
      this.first = like.new_zeros(elements).retainReference();
      this.second = like.new_zeros(elements).retainReference();
    }
  }

  /** What is updated here, in the order of the moments. */
  public List<Held> held() {
    return held;
  }

  /** Bytes of both moments. */
  public long bytes() {
    return first.nbytes() + second.nbytes();
  }

  /** exp_avg of the weights held. */
  public Tensor firstMoment() {
    return first;
  }

  /** exp_avg_sq of the weights held. */
  public Tensor secondMoment() {
    return second;
  }

  /** L2 norm of all gradients. */
  public double gradientNorm() {
    try (PointerScope _ = new PointerScope()) {
      return parameters.flatGradients().norm().item_double();
    }
  }

  /**
   * One step.
   *
   * @param step from 1
   * @param lr learning rate
   * @param gradientNorm for clipping
   */
  public void step(int step, double lr, double gradientNorm) {
    double clip = settings.clip();
    // The kernel divides gradients by this.
    double divisor = clip > 0 && gradientNorm > clip ? gradientNorm / clip : 1;
    try (PointerScope _ = new PointerScope()) {
      OperatorHandle fused = Dispatcher.singleton().findSchemaOrThrow("aten::_fused_adamw_", "");
      for (Held own : held) {
        Parameters.Stretch stretch = own.weights();
        if (stretch.elements() == 0) {
          continue;
        }
        fused.callBoxed(
            new IValueVector(
                list(part(parameters.flatWeights(), stretch)),
                list(part(parameters.flatGradients(), stretch)),
                list(first.narrow(0, own.at(), stretch.elements())),
                list(second.narrow(0, own.at(), stretch.elements())),
                list(),
                list(single(step)),
                new IValue(stretch.expert() ? lr * settings.expertLrScale() : lr),
                new IValue(settings.beta1()),
                new IValue(settings.beta2()),
                new IValue(stretch.decayed() ? settings.weightDecay() : 0.0),
                new IValue(settings.eps()),
                new IValue(false),
                new IValue(false),
                new IValue(single(divisor)),
                new IValue()));
      }
    }
  }

  private static Tensor part(Tensor flat, Parameters.Stretch stretch) {
    return flat.narrow(0, stretch.offset(), stretch.elements());
  }

  private Tensor single(double value) {
    return torch
        .full(new long[] {1}, new Scalar(value), new TensorOptions(ScalarType.Float))
        .to(first.device(), ScalarType.Float);
  }

  private static IValue list(Tensor... tensors) {
    GenericList list = new GenericList(new Type.TypePtr(TensorType.get()));
    for (Tensor tensor : tensors) {
      list.push_back(new IValue(tensor));
    }
    return new IValue(list);
  }

  @Override
  public void close() {
    first.releaseReference();
    second.releaseReference();
  }
}
