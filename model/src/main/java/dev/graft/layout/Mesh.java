package dev.graft.layout;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The ranks of a training run as a box [PP, DP, TP], tensor-parallel neighbours having consecutive
 * numbers, and how the experts are dealt out in it: the recipe's {@code parallel}.
 *
 * @param pp pipeline stages
 * @param dp data-parallel replicas
 * @param tp ranks that split heads, FFN columns and vocabulary
 * @param experts which of these deal out the experts
 * @param sequence whether TP ranks split the tokens in front of norms and gate
 * @param zero 1 where the optimiser's state is sharded over DP (ZeRO stage 1), else 0
 */
public record Mesh(int pp, int dp, int tp, ExpertScheme experts, boolean sequence, int zero) {
  /** Where a rank stands. */
  public record Place(int pp, int dp, int tp) {}

  /**
   * Checks what needs no model.
   *
   * @throws InvalidInputException if a degree is below 1, zero is not 0 or 1, or whole experts are
   *     dealt out to TP ranks that do not split the sequence
   */
  public Mesh {
    require("pp", pp);
    require("dp", dp);
    require("tp", tp);
    if (zero != 0 && zero != 1) {
      throw new InvalidInputException(
          "recipe: parallel.zero is " + zero + "; give 1 to shard the optimiser's state, else 0");
    }
    boolean dealsTokens = experts == ExpertScheme.EDP || experts == ExpertScheme.EP;
    if (tp > 1 && dealsTokens && !sequence) {
      throw new InvalidInputException(
          "recipe: parallel.sequence is false, but experts: "
              + experts.key()
              + " with tp "
              + tp
              + " deals out the tokens of a sequence to the TP ranks; leave sequence out or set it true");
    }
  }

  private static void require(String name, int degree) {
    if (degree < 1) {
      throw new InvalidInputException(
          "recipe: parallel." + name + " is " + degree + "; it must be at least 1");
    }
  }

  /** One process. */
  public static Mesh single() {
    return new Mesh(1, 1, 1, ExpertScheme.NONE, false, 0);
  }

  /** How many ranks there are. */
  public int world() {
    return Math.multiplyExact(Math.multiplyExact(pp, dp), tp);
  }

  /**
   * Checks that these are the processes that were started.
   *
   * @throws InvalidInputException if they are more or fewer
   */
  public void checkWorld(int size) {
    if (size != world()) {
      throw new InvalidInputException(
          "recipe: parallel is pp "
              + pp
              + " × dp "
              + dp
              + " × tp "
              + tp
              + " = "
              + world()
              + " ranks, but "
              + size
              + (size == 1 ? " process was" : " processes were")
              + " started; start "
              + world()
              + " or change parallel");
    }
  }

  /**
   * Checks that a model can be dealt out.
   *
   * @throws InvalidInputException if it has fewer layers than stages, fewer heads than TP ranks, no
   *     experts to deal out or a number of them that does not divide
   */
  public void checkModel(ModelSpec spec) {
    if (pp > spec.numHiddenLayers()) {
      throw tooFew("pp", pp, spec.numHiddenLayers(), "layers (num_hidden_layers)");
    }
    if (tp > spec.numAttentionHeads()) {
      throw tooFew("tp", tp, spec.numAttentionHeads(), "query heads (num_attention_heads)");
    }
    if (tp > spec.vocabSize()) {
      throw tooFew("tp", tp, spec.vocabSize(), "rows of the embedding (vocab_size)");
    }
    if (tp > spec.intermediateSize()) {
      throw tooFew("tp", tp, spec.intermediateSize(), "FFN columns (intermediate_size)");
    }
    if (experts == ExpertScheme.NONE) {
      return;
    }
    int n =
        spec.moe()
            .map(MoeSpec::numExperts)
            .orElseThrow(() ->
                new InvalidInputException(
                    "recipe: parallel.experts is "
                        + experts.key()
                        + ", but the model has no experts; set it to none or upcycle the model first"));
    if (n % expertRanks() != 0) {
      throw new InvalidInputException(
          "recipe: parallel.experts: "
              + experts.key()
              + " deals out the model's "
              + n
              + " experts to "
              + expertRanks()
              + " ranks, which does not divide; choose "
              + expertDegrees()
              + " so that it does");
    }
  }

  private static InvalidInputException tooFew(String name, int degree, int there, String what) {
    return new InvalidInputException(
        "recipe: parallel."
            + name
            + " is "
            + degree
            + ", but the model has only "
            + there
            + " "
            + what
            + "; use at most "
            + there);
  }

  private String expertDegrees() {
    return switch (experts) {
      case NONE, EDP -> "tp";
      case EP -> "dp × tp";
      case ETP -> "dp";
    };
  }

  /** Ranks that deal out the experts of a layer. */
  public int expertRanks() {
    return switch (experts) {
      case NONE -> 1;
      case EDP -> tp;
      case EP -> dp * tp;
      case ETP -> dp;
    };
  }

  /** Ranks that split the columns of one expert. */
  public int expertTensorRanks() {
    return experts == ExpertScheme.NONE || experts == ExpertScheme.ETP ? tp : 1;
  }

  /** Where a rank stands. */
  public Place place(int rank) {
    if (rank < 0 || rank >= world()) {
      throw new IllegalArgumentException("rank " + rank + " of " + world());
    }
    return new Place(rank / (dp * tp), rank / tp % dp, rank % tp);
  }

  /** Who stands there. */
  public int rank(int stage, int replica, int tensor) {
    return (stage * dp + replica) * tp + tensor;
  }

  /** The ranks that split heads, columns and vocabulary with this one, itself included. */
  public List<Integer> tensorGroup(int rank) {
    Place at = place(rank);
    return IntStream.range(0, tp).mapToObj(t -> rank(at.pp(), at.dp(), t)).toList();
  }

  /** The ranks that hold the same part of trunk and head for other data. */
  public List<Integer> dataGroup(int rank) {
    Place at = place(rank);
    return IntStream.range(0, dp).mapToObj(d -> rank(at.pp(), d, at.tp())).toList();
  }

  /** The stages that a micro-batch of this rank passes, in their order. */
  public List<Integer> pipelineGroup(int rank) {
    Place at = place(rank);
    return IntStream.range(0, pp).mapToObj(p -> rank(p, at.dp(), at.tp())).toList();
  }

  /** The ranks that deal out the experts of a layer and send each other tokens. */
  public List<Integer> expertGroup(int rank) {
    Place at = place(rank);
    return switch (experts) {
      case NONE -> List.of(rank);
      case EDP -> tensorGroup(rank);
      case ETP -> dataGroup(rank);
      case EP -> {
        List<Integer> stage = new ArrayList<>();
        for (int d = 0; d < dp; d++) {
          for (int t = 0; t < tp; t++) {
            stage.add(rank(at.pp(), d, t));
          }
        }
        yield List.copyOf(stage);
      }
    };
  }

  /**
   * The ranks that hold the same part of the same experts: those their gradients are summed over.
   */
  public List<Integer> expertDataGroup(int rank) {
    return experts == ExpertScheme.NONE || experts == ExpertScheme.EDP
        ? dataGroup(rank)
        : List.of(rank);
  }

  /** The ranks that split the columns of the same experts. */
  public List<Integer> expertTensorGroup(int rank) {
    return expertTensorRanks() > 1 ? tensorGroup(rank) : List.of(rank);
  }
}
