package dev.graft.parallel;

import dev.graft.layout.ExpertScheme;
import dev.graft.layout.Mesh;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** A rank's place in a training run, and the groups in which it exchanges tensors. */
public final class Team implements AutoCloseable {
  private final Mesh mesh;
  private final int rank;
  private final Timeline timeline = new Timeline();
  private final List<TensorGroup> open = new ArrayList<>();
  private final TensorGroup world;
  private final TensorGroup data;
  private final TensorGroup expertData;
  private final TensorGroup tensor;
  private final TensorGroup experts;
  private final TensorGroup pipeline;
  private final TensorGroup ends;

  private Team() {
    mesh = Mesh.single();
    rank = 0;
    world = TensorGroup.alone();
    data = world;
    expertData = world;
    tensor = world;
    experts = world;
    pipeline = world;
    ends = world;
  }

  private Team(Rendezvous rendezvous, Mesh mesh, int rank) throws IOException {
    this.mesh = mesh;
    this.rank = rank;
    List<Integer> all = IntStream.range(0, mesh.world()).boxed().toList();
    world = open(rendezvous, "world", all);
    data = open(rendezvous, "data", mesh.dataGroup(rank));
    List<Integer> expert = mesh.expertDataGroup(rank);
    expertData =
        expert.equals(mesh.dataGroup(rank)) ? data : open(rendezvous, "expert-data", expert);
    tensor = open(rendezvous, "tensor", mesh.tensorGroup(rank));
    experts = open(rendezvous, "experts", mesh.expertGroup(rank));
    List<Integer> stages = mesh.pipelineGroup(rank);
    pipeline = open(rendezvous, "pipeline", stages);
    int stage = mesh.place(rank).pp();
    boolean end = mesh.pp() > 1 && (stage == 0 || stage == mesh.pp() - 1);
    ends =
        end
            ? open(rendezvous, "ends", List.of(stages.getFirst(), stages.getLast()))
            : TensorGroup.alone();
  }

  private TensorGroup open(Rendezvous rendezvous, String name, List<Integer> members)
      throws IOException {
    TensorGroup group = rendezvous.group(name, members, rank, timeline);
    open.add(group);
    return group;
  }

  /** One process. */
  public static Team alone() {
    return new Team();
  }

  /**
   * Connects this rank with the others; all call it.
   *
   * @throws IOException if they cannot be connected
   */
  public static Team join(Rendezvous rendezvous, Mesh mesh, int rank) throws IOException {
    return new Team(rendezvous, mesh, rank);
  }

  public Mesh mesh() {
    return mesh;
  }

  /** From 0. */
  public int rank() {
    return rank;
  }

  /** Whether this rank speaks for all. */
  public boolean leads() {
    return rank == 0;
  }

  /** Where this rank stands. */
  public Mesh.Place place() {
    return mesh.place(rank);
  }

  /** What this rank does when. */
  public Timeline timeline() {
    return timeline;
  }

  /** All ranks. */
  public TensorGroup world() {
    return world;
  }

  /** Those that hold the same part of the trunk for other data. */
  public TensorGroup data() {
    return data;
  }

  /** Those that hold the same part of the same experts. */
  public TensorGroup expertData() {
    return expertData;
  }

  /** Those that split heads, columns and vocabulary with this one. */
  public TensorGroup tensor() {
    return tensor;
  }

  /** Those that deal out the experts of a layer and send each other tokens. */
  public TensorGroup experts() {
    return experts;
  }

  /** The stages that a micro-batch passes, in their order. */
  public TensorGroup pipeline() {
    return pipeline;
  }

  /** The first and the last stage, for a tied embedding; a group of one elsewhere. */
  public TensorGroup ends() {
    return ends;
  }

  /** Whether ranks of the data group may run a layer without the others. */
  public boolean replicasAreFree() {
    return mesh.dp() == 1
        || mesh.experts() == ExpertScheme.NONE
        || mesh.experts() == ExpertScheme.EDP;
  }

  @Override
  public void close() {
    open.forEach(TensorGroup::close);
  }
}
