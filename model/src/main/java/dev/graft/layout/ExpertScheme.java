package dev.graft.layout;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Which ranks of a mesh deal out the experts of a layer among them. */
public enum ExpertScheme {
  /** Nobody: every data-parallel rank holds all, each split by columns over the TP group. */
  NONE,
  /**
   * The tensor-parallel group: experts whole, dispatch inside the group, gradients summed over DP
   * (Skywork-MoE, arXiv 2406.06563, section 5.1). Megatron-Core calls it parallel folding with ETP
   * 1 and EP = TP, and uses the letters EDP for the degree of data parallelism of experts.
   */
  EDP,
  /** DP × TP: experts whole, dispatch over all ranks of a pipeline stage. */
  EP,
  /** The data-parallel group: each expert split by columns over TP, dispatch over DP. */
  ETP;

  /**
   * By its spelling in a recipe.
   *
   * @throws InvalidInputException if there is none of this name
   */
  public static ExpertScheme of(String key) {
    List<String> keys = Arrays.stream(values()).map(ExpertScheme::key).toList();
    if (!keys.contains(key)) {
      throw new InvalidInputException(
          "recipe: parallel.experts is " + key + "; choose one of " + String.join(", ", keys));
    }
    return valueOf(key.toUpperCase(Locale.ROOT));
  }

  /** The spelling of a recipe's {@code parallel.experts}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
