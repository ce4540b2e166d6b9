package dev.graft.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.graft.checkpoint.InvalidInputException;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class MeshTest {
  /** Figure 5 of arXiv 2406.06563: TP fastest, then DP, then PP. */
  @Test
  void ranksAreNumberedWithTensorParallelFastest() {
    Mesh mesh = new Mesh(2, 3, 4, ExpertScheme.EDP, true, 1);
    assertEquals(24, mesh.world());
    for (int rank = 0; rank < mesh.world(); rank++) {
      Mesh.Place at = mesh.place(rank);
      assertEquals(rank, mesh.rank(at.pp(), at.dp(), at.tp()));
    }
    assertEquals(new Mesh.Place(1, 2, 3), mesh.place(23));
    assertEquals(List.of(4, 5, 6, 7), mesh.tensorGroup(6));
    assertEquals(List.of(2, 6, 10), mesh.dataGroup(6));
    assertEquals(List.of(6, 18), mesh.pipelineGroup(6));
  }

  @Test
  void expertsAreDealtOutByTheScheme() {
    assertGroups(ExpertScheme.NONE, List.of(5), List.of(5, 7), List.of(4, 5));
    assertGroups(ExpertScheme.EDP, List.of(4, 5), List.of(5, 7), List.of(5));
    assertGroups(ExpertScheme.EP, List.of(4, 5, 6, 7), List.of(5), List.of(5));
    assertGroups(ExpertScheme.ETP, List.of(5, 7), List.of(5), List.of(4, 5));
  }

  private static void assertGroups(
      ExpertScheme scheme, List<Integer> expert, List<Integer> data, List<Integer> tensor) {
    Mesh mesh = new Mesh(2, 2, 2, scheme, true, 0);
    assertEquals(expert, mesh.expertGroup(5));
    assertEquals(data, mesh.expertDataGroup(5));
    assertEquals(tensor, mesh.expertTensorGroup(5));
    assertEquals(expert.size(), mesh.expertRanks());
    assertEquals(tensor.size(), mesh.expertTensorRanks());
  }

  /** Every rank is in the group of each member of its group, and groups cover the mesh. */
  @Test
  void groupsPartitionTheMesh() {
    for (ExpertScheme scheme : ExpertScheme.values()) {
      Mesh mesh = new Mesh(2, 3, 2, scheme, true, 0);
      List<Function<Integer, List<Integer>>> kinds =
          List.of(
              mesh::tensorGroup,
              mesh::dataGroup,
              mesh::pipelineGroup,
              mesh::expertGroup,
              mesh::expertDataGroup,
              mesh::expertTensorGroup);
      for (Function<Integer, List<Integer>> kind : kinds) {
        for (int rank = 0; rank < mesh.world(); rank++) {
          List<Integer> group = kind.apply(rank);
          assertEquals(true, group.contains(rank));
          group.forEach(peer -> assertEquals(group, kind.apply(peer)));
        }
      }
    }
  }

  @Test
  void whatCannotBeDealtOutIsSaid() {
    assertSaid(
        "recipe: parallel.tp is 0; it must be at least 1",
        () -> new Mesh(1, 1, 0, ExpertScheme.NONE, false, 0));
    assertSaid(
        "recipe: parallel.zero is 2; give 1 to shard the optimiser's state, else 0",
        () -> new Mesh(1, 1, 1, ExpertScheme.NONE, false, 2));
    assertSaid(
        "recipe: parallel.sequence is false, but experts: edp with tp 2 deals out the tokens of a sequence to the TP"
            + " ranks; leave sequence out or set it true",
        () -> new Mesh(1, 1, 2, ExpertScheme.EDP, false, 0));
    assertSaid(
        "recipe: parallel is pp 2 × dp 2 × tp 2 = 8 ranks, but 4 processes were started; start 8 or change parallel",
        () -> new Mesh(2, 2, 2, ExpertScheme.NONE, true, 0).checkWorld(4));
    assertSaid(
        "recipe: parallel.experts is edt; choose one of none, edp, ep, etp",
        () -> ExpertScheme.of("edt"));
  }

  @Test
  void aModelThatIsTooSmallIsSaid() {
    assertSaid(
        "recipe: parallel.pp is 5, but the model has only 2 layers (num_hidden_layers); use at most 2",
        () ->
            new Mesh(5, 1, 1, ExpertScheme.NONE, false, 0).checkModel(Shapes.dense(9, 3, 64, 50)));
    assertSaid(
        "recipe: parallel.tp is 10, but the model has only 9 query heads (num_attention_heads); use at most 9",
        () ->
            new Mesh(1, 1, 10, ExpertScheme.NONE, false, 0).checkModel(Shapes.dense(9, 3, 64, 50)));
    assertSaid(
        "recipe: parallel.experts is edp, but the model has no experts; set it to none or upcycle the model first",
        () -> new Mesh(1, 1, 2, ExpertScheme.EDP, true, 0).checkModel(Shapes.dense(9, 3, 64, 50)));
  }

  private static void assertSaid(String message, Runnable attempt) {
    assertEquals(message, assertThrows(InvalidInputException.class, attempt::run).getMessage());
  }
}
