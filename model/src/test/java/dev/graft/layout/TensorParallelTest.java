package dev.graft.layout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.TensorNames;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TensorParallelTest {
  private static final ModelSpec SKYWORK_MOE = Shapes.spec(Shapes.SKYWORK_MOE);
  private static final ModelSpec GROUPED = Shapes.spec(Shapes.GROUPED);

  @Test
  void skyworkMoeOverEightRanks() {
    TensorParallel layout = TensorParallel.of(SKYWORK_MOE, Shares.equal(8), 1);
    assertEquals(
        List.of(5, 5, 5, 5, 4, 4, 4, 4),
        layout.slices().stream().map(s -> s.heads().length()).toList());
    for (RankSlice slice : layout.slices()) {
      assertEquals(slice.heads(), slice.keyValueHeads());
      assertEquals(1536, slice.columns().length());
      assertEquals(8192, slice.vocabulary().length());
    }
    String expert = TensorNames.expert(3, 7, "w2");
    assertEquals(
        new TensorSlice(expert, new Range(0, 4608), new Range(1536, 3072)),
        layout.tensor(1, expert, 4608, 12288));
  }

  @Test
  void aCutGroupsKeyValueHeadIsHeldByBothRanks() {
    TensorParallel layout = TensorParallel.of(GROUPED, Shares.equal(2), 1);
    assertEquals(new Range(0, 5), layout.slice(0).heads());
    assertEquals(new Range(0, 2), layout.slice(0).keyValueHeads());
    assertEquals(new Range(5, 9), layout.slice(1).heads());
    assertEquals(new Range(1, 3), layout.slice(1).keyValueHeads());
  }

  @Test
  void columnsAreCutAtBlocksAndTheLastMayBeShorter() {
    ModelSpec odd = Shapes.spec(Shapes.GROUPED.replace("1536", "1500"));
    TensorParallel layout = TensorParallel.of(odd, Shares.parse("5,3,1"));
    assertEquals(
        List.of(new Range(0, 832), new Range(832, 1344), new Range(1344, 1500)),
        layout.slices().stream().map(RankSlice::columns).toList());
  }

  @Test
  void columnsAreCutAnywhereWhereARankWouldHaveNone() {
    ModelSpec narrow = Shapes.spec(Shapes.GROUPED.replace("1536", "40"));
    assertEquals(
        List.of(14, 13, 13),
        TensorParallel.of(narrow, Shares.equal(3)).slices().stream()
            .map(slice -> slice.columns().length())
            .toList());
  }

  @Test
  void moreRanksThanBlocksLeaveSomeWithoutColumns() {
    ModelSpec narrow = Shapes.spec(Shapes.GROUPED.replace("1536", "40"));
    TensorParallel layout = TensorParallel.of(narrow, Shares.equal(3), 32);
    assertEquals(
        List.of(new Range(0, 32), new Range(32, 40), new Range(40, 40)),
        layout.slices().stream().map(RankSlice::columns).toList());
  }

  /** Every element of every tensor is somewhere; what no two ranks may hold is held once. */
  @Test
  void theSlicesOfAllRanksCoverEachTensor() {
    ModelSpec model = Shapes.spec(Shapes.GROUPED.replace("49152", "999").replace("1536", "330"));
    for (int ranks = 1; ranks <= 9; ranks++) {
      for (Shares shares :
          List.of(
              Shares.equal(ranks),
              new Shares(List.of(7, 1, 3, 1, 1, 1, 2, 9, 1).subList(0, ranks)))) {
        TensorParallel layout = TensorParallel.of(model, shares, 32);
        for (Map.Entry<String, List<Long>> entry : TensorNames.of(model).entrySet()) {
          checkCoverage(layout, entry.getKey(), entry.getValue());
        }
      }
    }
  }

  private static void checkCoverage(TensorParallel layout, String name, List<Long> shape) {
    int rows = shape.size() == 1 ? 1 : Math.toIntExact(shape.getFirst());
    int columns = Math.toIntExact(shape.getLast());
    int[] holders = new int[rows * columns];
    for (int r = 0; r < layout.ranks(); r++) {
      TensorSlice part = layout.tensor(r, name, rows, columns);
      assertTrue(part.rows().to() <= rows && part.columns().to() <= columns, name);
      for (int row = part.rows().from(); row < part.rows().to(); row++) {
        for (int c = part.columns().from(); c < part.columns().to(); c++) {
          holders[row * columns + c]++;
        }
      }
    }
    boolean once =
        name.matches(".*(q_proj|gate_proj|up_proj|embed_tokens)\\..*|.*(o|down)_proj.weight");
    boolean group = name.matches(".*(k|v)_proj\\..*");
    int[] whole = new int[holders.length];
    Arrays.fill(whole, once ? 1 : layout.ranks());
    if (group) {
      assertTrue(Arrays.stream(holders).allMatch(h -> h >= 1 && h <= 3), name);
    } else {
      assertArrayEquals(whole, holders, name);
    }
  }

  @Test
  void moreRanksThanHeadsAreRefused() {
    assertEquals(
        "--tp 10 is more ranks than the 9 query heads (num_attention_heads); use at most --tp 9",
        assertThrows(
                InvalidInputException.class, () -> TensorParallel.of(GROUPED, Shares.equal(10), 1))
            .getMessage());
  }
}
