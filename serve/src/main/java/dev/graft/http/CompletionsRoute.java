package dev.graft.http;

import dev.graft.openai.CompletionForm;
import dev.graft.openai.CompletionRequest;
import dev.graft.service.Answer;
import dev.graft.service.Service;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/** {@code POST /v1/completions}. */
record CompletionsRoute(Service service, ServerOptions options, Consumer<String> log)
    implements Route {
  @Override
  public void answer(Exchange exchange) throws Exception {
    CompletionRequest request = CompletionRequest.parse(exchange.body());
    new Requested(service.model(), log)
        .check("/v1/completions", request.model(), request.ignored());
    List<int[]> prompts = service.tokens(request.prompts(), request.addSpecialTokens());
    Optional<List<String>> echoes =
        request.echo() ? Optional.of(service.texts(prompts)) : Optional.empty();
    String id = "cmpl-" + UUID.randomUUID().toString().replace("-", "");
    try (Answer answer =
        Answer.begin(
            service, id, prompts, request.parameters(), request.echo(), options.requestLimit())) {
      exchange.whenGone(answer::cancel);
      CompletionForm form =
          new CompletionForm(
              id,
              service.model().name(),
              Instant.now().getEpochSecond(),
              request.parameters(),
              answer.choices());
      AnswerSender sender = new AnswerSender(exchange, request.parameters(), log);
      if (request.parameters().stream()) {
        sender.stream(answer, form);
      } else {
        sender.whole(answer, form, echoes);
      }
    }
  }
}
