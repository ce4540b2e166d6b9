package dev.graft.network;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Where each weight lies in the flat vector: trainable before frozen, and one stretch per {@link
 * Slot.Kind}, so that the optimiser works on a few long vectors.
 */
final class ParameterLayout {
  private final Map<String, Slot> slots;
  private final long elements;
  private final long trainable;

  private ParameterLayout(Map<String, Slot> slots, long elements, long trainable) {
    this.slots = slots;
    this.elements = elements;
    this.trainable = trainable;
  }

  /**
   * @param frozen whether a stored tensor of this name keeps its value
   * @throws InvalidInputException if only a part of a stacked projection is to be frozen
   */
  static ParameterLayout of(ModelSpec spec, Predicate<String> frozen) {
    return of(spec, frozen, Shard.whole(spec));
  }

  /** The weights of one rank. */
  static ParameterLayout of(ModelSpec spec, Predicate<String> frozen, Shard shard) {
    List<Slot> unplaced =
        new ArrayList<>(
            new Declaration(spec, frozen, shard)
                .slots().stream().filter(slot -> shard.holds(slot.name())).toList());
    unplaced.sort(Comparator.comparing((Slot s) -> !s.trainable()).thenComparing(Slot::kind));
    Map<String, Slot> placed = new LinkedHashMap<>();
    long offset = 0;
    long trainable = 0;
    for (Slot slot : unplaced) {
      List<Slot.Piece> pieces = new ArrayList<>();
      long at = offset;
      for (Slot.Piece piece : slot.pieces()) {
        pieces.add(piece.at(at));
        at += piece.elements();
      }
      placed.put(
          slot.name(),
          new Slot(
              slot.name(),
              slot.shape(),
              slot.kind(),
              slot.trainable(),
              offset,
              List.copyOf(pieces)));
      offset = at;
      if (slot.trainable()) {
        trainable = at;
      }
    }
    return new ParameterLayout(placed, offset, trainable);
  }

  Map<String, Slot> slots() {
    return slots;
  }

  /** Elements of all weights. */
  long elements() {
    return elements;
  }

  /** Elements of the trainable ones; they come first. */
  long trainable() {
    return trainable;
  }

  /** The weights of a shape in the order of the layers. */
  private record Declaration(ModelSpec spec, Predicate<String> frozen, Shard shard) {
    private record Part(String name, long rows) {}

    List<Slot> slots() {
      List<Slot> slots = new ArrayList<>();
      long hidden = spec.hiddenSize();
      slots.add(
          matrix(
              "embed",
              Slot.Kind.TRUNK,
              hidden,
              new Part("model.embed_tokens.weight", spec.vocabSize())));
      for (int l = 0; l < spec.numHiddenLayers(); l++) {
        String stored = "model.layers." + l + ".";
        slots.add(vector(l + ".input_norm", new Part(stored + "input_layernorm.weight", hidden)));
        attention(slots, l + ".", stored + "self_attn.");
        slots.add(
            vector(l + ".post_norm", new Part(stored + "post_attention_layernorm.weight", hidden)));
        if (spec.moe().isPresent()) {
          experts(slots, l + ".", stored + "block_sparse_moe.", spec.moe().get());
        } else {
          feedForward(slots, l + ".", stored + "mlp.");
        }
      }
      slots.add(vector("norm", new Part("model.norm.weight", hidden)));
      if (!spec.tieWordEmbeddings()) {
        slots.add(
            matrix(
                "lm_head", Slot.Kind.TRUNK, hidden, new Part("lm_head.weight", spec.vocabSize())));
      }
      return slots;
    }

    private void attention(List<Slot> slots, String name, String stored) {
      long head = spec.headDim();
      long q = spec.numAttentionHeads() * head;
      long kv = spec.numKeyValueHeads() * head;
      slots.add(
          matrix(
              name + "qkv",
              Slot.Kind.TRUNK,
              spec.hiddenSize(),
              new Part(stored + "q_proj.weight", q),
              new Part(stored + "k_proj.weight", kv),
              new Part(stored + "v_proj.weight", kv)));
      if (spec.queryKeyValueBias()) {
        slots.add(
            vector(
                name + "qkv_bias",
                new Part(stored + "q_proj.bias", q),
                new Part(stored + "k_proj.bias", kv),
                new Part(stored + "v_proj.bias", kv)));
      }
      if (spec.queryKeyNorm()) {
        slots.add(vector(name + "q_norm", new Part(stored + "q_norm.weight", head)));
        slots.add(vector(name + "k_norm", new Part(stored + "k_norm.weight", head)));
      }
      slots.add(
          matrix(
              name + "o",
              Slot.Kind.TRUNK,
              q,
              new Part(stored + "o_proj.weight", spec.hiddenSize())));
      if (spec.outputBias()) {
        slots.add(vector(name + "o_bias", new Part(stored + "o_proj.bias", spec.hiddenSize())));
      }
    }

    private void experts(List<Slot> slots, String name, String stored, MoeSpec moe) {
      long hidden = spec.hiddenSize();
      long ffn = spec.intermediateSize();
      slots.add(
          matrix(
              name + "gate",
              Slot.Kind.TRUNK,
              hidden,
              new Part(stored + "gate.weight", moe.numExperts())));
      for (int e = 0; e < moe.numExperts(); e++) {
        String expert = stored + "experts." + e + ".";
        slots.add(
            matrix(
                name + "experts." + e + ".gate_up",
                Slot.Kind.EXPERT,
                hidden,
                new Part(expert + "w1.weight", ffn),
                new Part(expert + "w3.weight", ffn)));
        slots.add(
            matrix(
                name + "experts." + e + ".down",
                Slot.Kind.EXPERT,
                ffn,
                new Part(expert + "w2.weight", hidden)));
      }
    }

    private void feedForward(List<Slot> slots, String name, String stored) {
      long hidden = spec.hiddenSize();
      long ffn = spec.intermediateSize();
      slots.add(
          matrix(
              name + "gate_up",
              Slot.Kind.TRUNK,
              hidden,
              new Part(stored + "gate_proj.weight", ffn),
              new Part(stored + "up_proj.weight", ffn)));
      slots.add(
          matrix(
              name + "down", Slot.Kind.TRUNK, ffn, new Part(stored + "down_proj.weight", hidden)));
      if (spec.feedForwardBias()) {
        slots.add(
            vector(
                name + "gate_up_bias",
                new Part(stored + "gate_proj.bias", ffn),
                new Part(stored + "up_proj.bias", ffn)));
        slots.add(vector(name + "down_bias", new Part(stored + "down_proj.bias", hidden)));
      }
    }

    private Slot matrix(String name, Slot.Kind kind, long columns, Part... parts) {
      List<Slot.Piece> pieces = new ArrayList<>();
      long rows = 0;
      for (Part part : parts) {
        Slot.Piece piece = shard.piece(part.name(), List.of(part.rows(), columns), kind);
        pieces.add(piece);
        rows += piece.rows().length();
      }
      long held = pieces.getFirst().columns().length();
      return new Slot(name, List.of(rows, held), kind, trainable(pieces), 0, pieces);
    }

    private Slot vector(String name, Part... parts) {
      List<Slot.Piece> pieces = new ArrayList<>();
      long length = 0;
      for (Part part : parts) {
        Slot.Piece piece = shard.piece(part.name(), List.of(part.rows()), Slot.Kind.VECTOR);
        pieces.add(piece);
        length += piece.rows().length();
      }
      return new Slot(name, List.of(length), Slot.Kind.VECTOR, trainable(pieces), 0, pieces);
    }

    private boolean trainable(List<Slot.Piece> pieces) {
      List<String> held = pieces.stream().map(Slot.Piece::name).filter(frozen).toList();
      if (!held.isEmpty() && held.size() < pieces.size()) {
        throw new InvalidInputException(
            "recipe: freeze matches "
                + held
                + " but not "
                + pieces.stream().map(Slot.Piece::name).filter(frozen.negate()).toList()
                + ", which share one matrix with it; freeze all of them or none");
      }
      return held.isEmpty();
    }
  }
}
