package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.layout.Mesh;
import dev.graft.layout.Range;
import dev.graft.layout.RankSlice;
import dev.graft.layout.Shares;
import dev.graft.layout.TensorParallel;
import dev.graft.layout.TensorSlice;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The part of a model that one rank holds: some layers; of these some heads, FFN columns and rows
 * of the vocabulary; and some of the experts, whole or some columns of each.
 *
 * @param stage the layers
 * @param parts what the ranks of the tensor-parallel group hold of them
 * @param tensorRank this rank's place in that group
 * @param experts by number
 * @param expertColumns whether the tensor-parallel group splits the columns of each expert
 * @param sequence whether it splits the tokens between projections
 */
public record Shard(
    Stage stage,
    TensorParallel parts,
    int tensorRank,
    Range experts,
    boolean expertColumns,
    boolean sequence) {
  /** Everything. */
  public static Shard whole(ModelSpec spec) {
    return of(spec, Stage.whole(spec), Mesh.single(), 0);
  }

  /** What a rank of a mesh holds of its stage. */
  public static Shard of(ModelSpec spec, Stage stage, Mesh mesh, int rank) {
    int all = spec.moe().map(MoeSpec::numExperts).orElse(0);
    List<Integer> group = mesh.expertGroup(rank);
    int each = all / group.size();
    int first = group.indexOf(rank) * each;
    return new Shard(
        stage,
        TensorParallel.of(spec, Shares.equal(mesh.tp()), 1),
        mesh.place(rank).tp(),
        new Range(first, first + each),
        mesh.tp() > 1 && mesh.expertTensorRanks() > 1,
        mesh.tp() > 1 && mesh.sequence());
  }

  /** Heads, columns and vocabulary of this rank. */
  RankSlice slice() {
    return parts.slice(tensorRank);
  }

  /** Columns of each expert held. */
  Range columnsOfExperts() {
    return expertColumns ? slice().columns() : Range.below(parts.spec().intermediateSize());
  }

  /** Whether some of a weight, by its name in the network, is held. */
  boolean holds(String slot) {
    if (!stage.holds(slot)) {
      return false;
    }
    String[] parts = slot.split("\\.", -1);
    if (parts.length < 3 || !parts[1].equals("experts")) {
      return true;
    }
    int expert = Integer.parseInt(parts[2]);
    return experts.from() <= expert && expert < experts.to();
  }

  /**
   * The part of a stored tensor that is held.
   *
   * @param shape of the whole
   * @param kind of its weight
   */
  Slot.Piece piece(String name, List<Long> shape, Slot.Kind kind) {
    boolean vector = shape.size() == 1;
    int rows = Math.toIntExact(shape.getFirst());
    int columns = vector ? 1 : Math.toIntExact(shape.get(1));
    if (kind == Slot.Kind.EXPERT && !expertColumns) {
      return new Slot.Piece(
          name, shape, Range.below(rows), Range.below(columns), Range.below(rows), 0);
    }
    TensorSlice part = parts.tensor(tensorRank, name, vector ? 1 : rows, vector ? rows : columns);
    Range held = vector ? part.columns() : part.rows();
    Range across = vector ? Range.below(1) : part.columns();
    return new Slot.Piece(name, shape, held, across, own(name, held, across, rows, columns), 0);
  }

  /** The rows that this rank, of all that hold them, saves and counts. */
  private Range own(String name, Range held, Range across, int rows, int columns) {
    if (name.contains(".k_proj.") || name.contains(".v_proj.")) {
      int dim = parts.spec().headDim();
      List<Integer> own =
          IntStream.range(slice().keyValueHeads().from(), slice().keyValueHeads().to())
              .filter(head -> firstHolder(head) == tensorRank)
              .boxed()
              .toList();
      return own.isEmpty()
          ? new Range(held.to(), held.to())
          : new Range(own.getFirst() * dim, (own.getLast() + 1) * dim);
    }
    boolean replicated = parts.ranks() > 1 && held.length() == rows && across.length() == columns;
    return replicated && tensorRank > 0 ? new Range(held.to(), held.to()) : held;
  }

  private int firstHolder(int head) {
    return IntStream.range(0, parts.ranks())
        .filter(r -> holds(parts.slice(r), head))
        .findFirst()
        .orElseThrow();
  }

  private static boolean holds(RankSlice slice, int head) {
    return slice.keyValueHeads().from() <= head && head < slice.keyValueHeads().to();
  }

  /** The key/value heads that several ranks hold. */
  List<Integer> sharedHeads() {
    return IntStream.range(0, parts.spec().numKeyValueHeads())
        .filter(head ->
            IntStream.range(0, parts.ranks()).filter(r -> holds(parts.slice(r), head)).count() > 1)
        .boxed()
        .toList();
  }

  /**
   * Whether the ranks that hold a whole tensor each have only a part of its gradient: norms inside
   * of heads, biases that one rank adds, and, where tokens are split, all that is applied to them.
   */
  boolean summed(String name) {
    if (parts.ranks() == 1) {
      return false;
    }
    boolean once = name.endsWith("o_proj.bias") || name.endsWith("down_proj.bias");
    boolean inHeads = name.endsWith("q_norm.weight") || name.endsWith("k_norm.weight");
    boolean perToken = name.endsWith("norm.weight") || name.endsWith(".gate.weight");
    return once || inHeads || (sequence && perToken);
  }
}
