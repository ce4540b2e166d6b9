package dev.graft.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MeshTest {
  private static final String SHAPE =
      """
      {"architectures": ["SkyworkForCausalLM"], "vocab_size": 32, "hidden_size": 16, "intermediate_size": 3,
       "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "num_experts": [6],
       "num_experts_per_tok": 2, "max_position_embeddings": 64, "moe_use_logits_norm": true,
       "moe_gate_norm_std": 1.0, "moe_feature_no_mul_topk": true}
      """;

  /** By hand for pp 2 × dp 2 × tp 2, rank 5 being stage 1, replica 0, tensor rank 1. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "none | [5]          | [5, 7] | [4, 5]",
        "edp  | [4, 5]       | [5, 7] | [5]",
        "ep   | [4, 5, 6, 7] | [5]    | [5]",
        "etp  | [5, 7]       | [5]    | [4, 5]",
      })
  void groupsOfTheSchemes(String scheme, String experts, String expertData, String columns) {
    Mesh mesh = new Mesh(2, 2, 2, ExpertScheme.of(scheme), true, 0);
    assertEquals(new Mesh.Place(1, 0, 1), mesh.place(5));
    assertEquals(List.of(4, 5), mesh.tensorGroup(5));
    assertEquals(List.of(5, 7), mesh.dataGroup(5));
    assertEquals(List.of(1, 5), mesh.pipelineGroup(5));
    assertEquals(experts, mesh.expertGroup(5).toString());
    assertEquals(expertData, mesh.expertDataGroup(5).toString());
    assertEquals(columns, mesh.expertTensorGroup(5).toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 1 1 none false 0 | recipe: parallel.pp is 0; it must be at least 1",
        "1 1 2 edp false 0  | recipe: parallel.sequence is false, but experts: edp with tp 2",
        "1 1 1 none false 2 | recipe: parallel.zero is 2; give 1",
        "3 1 1 none false 0 | recipe: parallel.pp is 3, but the model has only 2 layers",
        "1 1 5 none false 0 | recipe: parallel.tp is 5, but the model has only 4 query heads",
        "1 1 4 none false 0 | recipe: parallel.tp is 4, but the model has only 3 FFN columns",
        "1 2 2 ep true 0    | recipe: parallel.experts: ep deals out the model's 6 experts to 4 ranks",
        "1 4 1 etp false 0  | recipe: parallel.experts: etp deals out the model's 6 experts to 4 ranks",
      })
  void whatCannotBeIsOneSentence(String mesh, String sentence) {
    ModelSpec spec = Shapes.spec(SHAPE);
    String[] m = mesh.split(" ", -1);
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class,
            () ->
                new Mesh(
                        Integer.parseInt(m[0]),
                        Integer.parseInt(m[1]),
                        Integer.parseInt(m[2]),
                        ExpertScheme.of(m[3]),
                        Boolean.parseBoolean(m[4]),
                        Integer.parseInt(m[5]))
                    .checkModel(spec));
    assertEquals(sentence, e.getMessage().substring(0, sentence.length()));
  }

  @Test
  void countsProcesses() {
    Mesh mesh = new Mesh(1, 2, 2, ExpertScheme.NONE, false, 0);
    mesh.checkWorld(4);
    InvalidInputException e = assertThrows(InvalidInputException.class, () -> mesh.checkWorld(3));
    assertEquals(
        "recipe: parallel is pp 1 × dp 2 × tp 2 = 4 ranks, but 3 processes were started; start 4 or change parallel",
        e.getMessage());
  }
}
