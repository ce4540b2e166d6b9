package dev.graft.loop;

import dev.graft.network.Parameters;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.CompilationUnit;
import org.bytedeco.pytorch.Function;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.QualifiedName;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * AdamW (arXiv 1711.05101) over the flat weights: libtorch's fused kernel, one pass per stretch.
 * Java's binding has no such function, so TorchScript calls it.
 */
public final class AdamW implements AutoCloseable {
  private static final String SCRIPT =
      """
      def step(p: Tensor, g: Tensor, m: Tensor, v: Tensor, t: Tensor, lr: float, b1: float, b2: float, wd: float, eps: float, scale: Tensor):
          none: List[Tensor] = []
          torch._fused_adamw_([p], [g], [m], [v], none, [t], lr=lr, beta1=b1, beta2=b2, weight_decay=wd, eps=eps, amsgrad=False, maximize=False, grad_scale=scale, found_inf=None)
      """;

  private final Recipe.Optimizer settings;
  private final Parameters parameters;
  private final Tensor first;
  private final Tensor second;
  private final CompilationUnit unit;

  public AdamW(Recipe.Optimizer settings, Parameters parameters) {
    this.settings = settings;
    this.parameters = parameters;
    try (PointerScope _ = new PointerScope()) {
      this.first = torch.zeros_like(parameters.flatGradients()).retainReference();
      this.second = torch.zeros_like(parameters.flatGradients()).retainReference();
      this.unit = torch.compile(SCRIPT).retainReference();
    }
  }

  /** exp_avg, flat as the gradients. */
  public Tensor firstMoment() {
    return first;
  }

  /** exp_avg_sq, flat as the gradients. */
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
      Function function = unit.find_function(new QualifiedName("step"));
      ScalarType type = parameters.flatWeights().scalar_type();
      Tensor scale =
          torch.full(new long[] {1}, new Scalar(divisor), new TensorOptions(ScalarType.Float));
      for (Parameters.Stretch stretch : parameters.stretches()) {
        Tensor count =
            torch.full(
                new long[] {1}, new Scalar((double) step), new TensorOptions(ScalarType.Float));
        List<IValue> arguments = new ArrayList<>();
        for (Tensor t :
            List.of(parameters.flatWeights(), parameters.flatGradients(), first, second)) {
          arguments.add(new IValue(t.narrow(0, stretch.offset(), stretch.elements())));
        }
        arguments.add(new IValue(count));
        arguments.add(new IValue(stretch.expert() ? lr * settings.expertLrScale() : lr));
        arguments.add(new IValue(settings.beta1()));
        arguments.add(new IValue(settings.beta2()));
        arguments.add(new IValue(stretch.decayed() ? settings.weightDecay() : 0.0));
        arguments.add(new IValue(settings.eps()));
        arguments.add(new IValue(type == ScalarType.Double ? scale.to(ScalarType.Float) : scale));
        function.apply(new IValueVector(arguments.toArray(IValue[]::new)));
      }
    }
  }

  @Override
  public void close() {
    first.releaseReference();
    second.releaseReference();
    unit.releaseReference();
  }
}
