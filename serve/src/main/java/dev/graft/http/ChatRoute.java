package dev.graft.http;

import dev.graft.openai.ChatForm;
import dev.graft.openai.ChatRequest;
import dev.graft.openai.Prompt;
import dev.graft.service.Answer;
import dev.graft.service.Service;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/** {@code POST /v1/chat/completions}. */
record ChatRoute(Service service, ServerOptions options, Consumer<String> log) implements Route {
  @Override
  public void answer(Exchange exchange) throws Exception {
    ChatRequest request = ChatRequest.parse(exchange.body());
    new Requested(service.model(), log)
        .check("/v1/chat/completions", request.model(), request.ignored());
    String text = TokenizeRoute.template(service).render(request.messages(), true);
    List<int[]> prompts = service.tokens(List.of(new Prompt.Text(text)), false);
    String id = "chatcmpl-" + UUID.randomUUID().toString().replace("-", "");
    try (Answer answer =
        Answer.begin(service, id, prompts, request.parameters(), false, options.requestLimit())) {
      exchange.whenGone(answer::cancel);
      ChatForm form =
          new ChatForm(
              id, service.model().name(), Instant.now().getEpochSecond(), request.parameters());
      AnswerSender sender = new AnswerSender(exchange, request.parameters(), log);
      if (request.parameters().stream()) {
        sender.stream(answer, form);
      } else {
        sender.whole(answer, form, Optional.empty());
      }
    }
  }
}
