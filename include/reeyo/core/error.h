/* SPDX-License-Identifier: MIT
 *
 * Every error of the product, in one table: the status a client gets, the code each namespace
 * uses for it (existing apps switch on these words, see the contract's error table) and the
 * message in English and French. Fallible functions return 0 or one of these (all negative);
 * a reply is made from the same value, so an error means the same thing everywhere.
 */
#ifndef REEYO_CORE_ERROR_H
#define REEYO_CORE_ERROR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* Name, status, code for user / rider / vendor / admin, English, French. */
#define REEYO_ERRORS(X) \
	/* the process itself */ \
	X(INTERNAL, 500, "INTERNAL_ERROR", "INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", \
		"INTERNAL_SERVER_ERROR", "Something went wrong on our side", \
		"Une erreur est survenue de notre côté") \
	X(NO_MEMORY, 503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", \
		"SERVICE_UNAVAILABLE", "The server is out of memory, try again shortly", \
		"Le serveur manque de mémoire, réessayez bientôt") \
	X(BUSY, 503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", \
		"SERVICE_UNAVAILABLE", "The server is busy, try again shortly", \
		"Le serveur est occupé, réessayez bientôt") \
	X(STORE_DOWN, 503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", \
		"SERVICE_UNAVAILABLE", "The data store does not answer, try again shortly", \
		"La base de données ne répond pas, réessayez bientôt") \
	X(TIMED_OUT, 503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", \
		"SERVICE_UNAVAILABLE", "The request took too long, try again", \
		"La requête a pris trop de temps, réessayez") \
	X(DRAINING, 503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", \
		"SERVICE_UNAVAILABLE", "The server is shutting down, try again", \
		"Le serveur s'arrête, réessayez") \
	X(MAINTENANCE, 503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", \
		"SERVICE_UNAVAILABLE", "Reeyo is under maintenance, come back soon", \
		"Reeyo est en maintenance, revenez bientôt") \
	X(CONFIG, 500, "INTERNAL_ERROR", "INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", \
		"INTERNAL_SERVER_ERROR", "The configuration is not usable", \
		"La configuration est inutilisable") \
	X(CONFLICT_ROW, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"That already exists", "Cela existe déjà") \
	X(LOCK_TIMEOUT, 503, "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", \
		"SERVICE_UNAVAILABLE", \
		"Another change to the same record is still running, try again", \
		"Une autre modification du même enregistrement est en cours, réessayez") \
	/* HTTP */ \
	X(BAD_REQUEST, 400, "BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST", \
		"The request is not well-formed", "La requête est mal formée") \
	X(MALFORMED_JSON, 400, "VALIDATION_ERROR", "VALIDATION_ERROR", "VALIDATION_ERROR", \
		"VALIDATION_FAILED", "The body is not valid JSON", \
		"Le corps n'est pas du JSON valide") \
	X(VALIDATION, 400, "VALIDATION_ERROR", "VALIDATION_ERROR", "VALIDATION_ERROR", \
		"VALIDATION_FAILED", "Some fields are missing or wrong", \
		"Des champs manquent ou sont incorrects") \
	X(ROUTE_NOT_FOUND, 404, "ROUTE_NOT_FOUND", "ROUTE_NOT_FOUND", "NOT_FOUND", "NOT_FOUND", \
		"There is no such route", "Cette route n'existe pas") \
	X(METHOD_NOT_ALLOWED, 405, "METHOD_NOT_ALLOWED", "METHOD_NOT_ALLOWED", \
		"METHOD_NOT_ALLOWED", "METHOD_NOT_ALLOWED", \
		"This route does not take that method", "Cette route n'accepte pas cette méthode") \
	X(NOT_ACCEPTABLE, 406, "NOT_ACCEPTABLE", "NOT_ACCEPTABLE", "NOT_ACCEPTABLE", \
		"NOT_ACCEPTABLE", "Only application/json can be answered here", \
		"Seul application/json peut être renvoyé ici") \
	X(REQUEST_TIMEOUT, 408, "REQUEST_TIMEOUT", "REQUEST_TIMEOUT", "REQUEST_TIMEOUT", \
		"REQUEST_TIMEOUT", "The request did not arrive in time", \
		"La requête n'est pas arrivée à temps") \
	X(BODY_TOO_LARGE, 413, "PAYLOAD_TOO_LARGE", "PAYLOAD_TOO_LARGE", "PAYLOAD_TOO_LARGE", \
		"PAYLOAD_TOO_LARGE", "The body is too large", "Le corps est trop volumineux") \
	X(URI_TOO_LONG, 414, "URI_TOO_LONG", "URI_TOO_LONG", "URI_TOO_LONG", "URI_TOO_LONG", \
		"The address is too long", "L'adresse est trop longue") \
	X(MEDIA_TYPE, 415, "UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE", \
		"UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE", \
		"Send application/json or application/x-www-form-urlencoded", \
		"Envoyez application/json ou application/x-www-form-urlencoded") \
	X(EXPECTATION, 417, "EXPECTATION_FAILED", "EXPECTATION_FAILED", "EXPECTATION_FAILED", \
		"EXPECTATION_FAILED", "Only 100-continue can be expected", \
		"Seul 100-continue peut être attendu") \
	X(TOO_MANY_REQUESTS, 429, "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS", \
		"TOO_MANY_REQUESTS", "Too many requests, slow down", \
		"Trop de requêtes, ralentissez") \
	X(HEADERS_TOO_LARGE, 431, "HEADERS_TOO_LARGE", "HEADERS_TOO_LARGE", "HEADERS_TOO_LARGE", \
		"HEADERS_TOO_LARGE", "The headers are too large", \
		"Les en-têtes sont trop volumineux") \
	X(NOT_IMPLEMENTED, 501, "NOT_IMPLEMENTED", "NOT_IMPLEMENTED", "NOT_IMPLEMENTED", \
		"NOT_IMPLEMENTED", "That method is not implemented", \
		"Cette méthode n'est pas prise en charge") \
	X(HTTP_VERSION, 505, "HTTP_VERSION_NOT_SUPPORTED", "HTTP_VERSION_NOT_SUPPORTED", \
		"HTTP_VERSION_NOT_SUPPORTED", "HTTP_VERSION_NOT_SUPPORTED", \
		"Only HTTP/1.1 and HTTP/1.0 are understood", \
		"Seuls HTTP/1.1 et HTTP/1.0 sont compris") \
	X(CORS_ORIGIN, 403, "CORS_ORIGIN_DENIED", "CORS_ORIGIN_DENIED", "CORS_ORIGIN_DENIED", \
		"CORS_ORIGIN_DENIED", "This origin may not call the API", \
		"Cette origine ne peut pas appeler l'API") \
	X(IDEMPOTENCY_MISMATCH, 422, "IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_MISMATCH", \
		"IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_MISMATCH", \
		"This Idempotency-Key was used with a different request", \
		"Cette Idempotency-Key a servi pour une autre requête") \
	X(IDEMPOTENCY_RUNNING, 409, "IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_IN_PROGRESS", \
		"IDEMPOTENCY_IN_PROGRESS", "IDEMPOTENCY_IN_PROGRESS", \
		"The first request with this Idempotency-Key is still running", \
		"La première requête avec cette Idempotency-Key est en cours") \
	/* identity */ \
	X(NO_TOKEN, 401, "AUTH_1000", "AUTH_1000", "UNAUTHORIZED", "AUTH_TOKEN_INVALID", \
		"Log in first: no access token was sent", \
		"Connectez-vous : aucun jeton d'accès n'a été envoyé") \
	X(BAD_TOKEN, 401, "AUTH_1001", "AUTH_1001", "INVALID_TOKEN", "AUTH_TOKEN_INVALID", \
		"The access token is not valid", "Le jeton d'accès n'est pas valide") \
	X(TOKEN_EXPIRED, 401, "AUTH_1003", "AUTH_1003", "TOKEN_EXPIRED", "AUTH_TOKEN_INVALID", \
		"The access token has expired", "Le jeton d'accès a expiré") \
	X(ACCOUNT_GONE, 401, "AUTH_1002", "AUTH_1002", "UNAUTHORIZED", "AUTH_TOKEN_INVALID", \
		"The account of this token no longer exists", \
		"Le compte de ce jeton n'existe plus") \
	X(WRONG_ROLE, 403, "AUTH_1005", "AUTH_1005", "FORBIDDEN", "FORBIDDEN", \
		"This account may not call this route", \
		"Ce compte ne peut pas appeler cette route") \
	X(NOT_OWNER, 403, "AUTH_1006", "AUTH_1006", "FORBIDDEN", "FORBIDDEN", \
		"That belongs to another account", "Cela appartient à un autre compte") \
	X(BAD_CREDENTIALS, 401, "AUTH_2000", "AUTH_2000", "VENDOR_1002", "AUTH_TOKEN_INVALID", \
		"Invalid credentials", "Identifiants incorrects") \
	X(WRONG_PASSWORD, 401, "AUTH_2001", "AUTH_2001", "VENDOR_1008", "VALIDATION_FAILED", \
		"The current password is wrong", "Le mot de passe actuel est incorrect") \
	X(BAD_RESET_TOKEN, 400, "AUTH_2002", "AUTH_2002", "VENDOR_1009", "AUTH_TOKEN_INVALID", \
		"The reset token is wrong or has expired", \
		"Le jeton de réinitialisation est incorrect ou a expiré") \
	X(BAD_REFRESH, 401, "AUTH_1001", "AUTH_1001", "VENDOR_1006", "AUTH_TOKEN_INVALID", \
		"The refresh token is not valid, log in again", \
		"Le jeton de rafraîchissement n'est pas valide, reconnectez-vous") \
	X(SUSPENDED, 403, "USER_3004", "RIDER_3002", "VENDOR_1003", "ACCOUNT_SUSPENDED", \
		"This account is suspended", "Ce compte est suspendu") \
	X(INACTIVE, 403, "USER_3005", "RIDER_3005", "VENDOR_1004", "ACCOUNT_SUSPENDED", \
		"This account is not active", "Ce compte n'est pas actif") \
	X(PHONE_UNVERIFIED, 403, "USER_3003", "RIDER_3003", "FORBIDDEN", "FORBIDDEN", \
		"Verify your phone number first", "Vérifiez d'abord votre numéro de téléphone") \
	X(NOT_APPROVED, 403, "AUTH_1005", "RIDER_3004", "VENDOR_3002", "FORBIDDEN", \
		"This account is not approved yet", "Ce compte n'est pas encore approuvé") \
	X(OTP_ALREADY, 400, "USER_4000", "RIDER_4000", "VENDOR_1012", "VALIDATION_FAILED", \
		"This phone number is already verified", "Ce numéro est déjà vérifié") \
	X(OTP_NONE, 400, "USER_4001", "RIDER_4001", "VENDOR_1010", "VALIDATION_FAILED", \
		"No code was requested, ask for a new one", \
		"Aucun code demandé, demandez-en un nouveau") \
	X(OTP_EXPIRED, 400, "USER_4002", "RIDER_4002", "VENDOR_1011", "VALIDATION_FAILED", \
		"The code has expired, ask for a new one", \
		"Le code a expiré, demandez-en un nouveau") \
	X(OTP_WRONG, 400, "USER_4003", "RIDER_4003", "VENDOR_1010", "VALIDATION_FAILED", \
		"The code is wrong", "Le code est incorrect") \
	X(PHONE_TAKEN, 409, "USER_1000", "RIDER_1000", "VENDOR_1013", "CONFLICT", \
		"An account with this phone number exists", \
		"Un compte existe avec ce numéro de téléphone") \
	X(EMAIL_TAKEN, 409, "USER_1001", "RIDER_1001", "VENDOR_1001", "CONFLICT", \
		"An account with this e-mail exists", "Un compte existe avec cet e-mail") \
	/* what is looked for and missing */ \
	X(NOT_FOUND, 404, "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", \
		"That does not exist", "Cela n'existe pas") \
	X(ACCOUNT_NOT_FOUND, 404, "USER_3000", "RIDER_3000", "VENDOR_1007", "NOT_FOUND", \
		"The account does not exist", "Le compte n'existe pas") \
	X(VENDOR_NOT_FOUND, 404, "VENDOR_3000", "VENDOR_3000", "VENDOR_1007", "NOT_FOUND", \
		"The vendor does not exist", "Le vendeur n'existe pas") \
	X(ADDRESS_NOT_FOUND, 404, "USER_3001", "USER_3001", "NOT_FOUND", "NOT_FOUND", \
		"The address does not exist", "L'adresse n'existe pas") \
	X(ORDER_NOT_FOUND, 404, "ORDER_3000", "ORDER_3000", "ORDER_4001", "NOT_FOUND", \
		"The order does not exist", "La commande n'existe pas") \
	X(ORDER_NOT_OWNER, 403, "ORDER_4002", "ORDER_4002", "ORDER_4002", "FORBIDDEN", \
		"The order belongs to another account", \
		"La commande appartient à un autre compte") \
	X(ITEM_NOT_FOUND, 404, "INVENTORY_6000", "INVENTORY_6000", "INVENTORY_3001", "NOT_FOUND", \
		"An item does not exist on this menu", "Un article n'existe pas dans ce menu") \
	X(ITEM_NOT_OWNER, 403, "AUTH_1006", "AUTH_1006", "INVENTORY_3002", "FORBIDDEN", \
		"The item belongs to another vendor", "L'article appartient à un autre vendeur") \
	/* orders */ \
	X(VENDOR_OFFLINE, 400, "ORDER_4000", "ORDER_4000", "ORDER_4000", "CONFLICT", \
		"The vendor does not take orders now", \
		"Le vendeur ne prend pas de commandes actuellement") \
	X(BELOW_MINIMUM, 400, "ORDER_4001", "ORDER_4001", "ORDER_4001", "CONFLICT", \
		"The order is below the minimum amount", \
		"La commande est inférieure au montant minimum") \
	X(ABOVE_MAXIMUM, 400, "VALIDATION_ERROR", "VALIDATION_ERROR", "VALIDATION_ERROR", \
		"VALIDATION_FAILED", "The order is above the maximum amount", \
		"La commande dépasse le montant maximum") \
	X(TOO_FAR, 400, "VALIDATION_ERROR", "VALIDATION_ERROR", "VALIDATION_ERROR", \
		"VALIDATION_FAILED", "The delivery is too far away", \
		"La livraison est trop éloignée") \
	X(CANNOT_CANCEL, 400, "ORDER_4003", "ORDER_4003", "ORDER_4003", "ORDER_INVALID_STATUS", \
		"The order can no longer be cancelled", "La commande ne peut plus être annulée") \
	X(CANNOT_ACCEPT, 400, "ORDER_4003", "ORDER_5003", "ORDER_4003", "ORDER_INVALID_STATUS", \
		"The order can no longer be accepted", "La commande ne peut plus être acceptée") \
	X(CANNOT_REJECT, 400, "ORDER_4004", "ORDER_5003", "ORDER_4004", "ORDER_INVALID_STATUS", \
		"The order can no longer be rejected", "La commande ne peut plus être refusée") \
	X(CANNOT_READY, 400, "ORDER_4005", "ORDER_5003", "ORDER_4005", "ORDER_INVALID_STATUS", \
		"The order is not at that step", "La commande n'en est pas à cette étape") \
	X(CANNOT_MOVE, 400, "ORDER_5003", "ORDER_5003", "ORDER_4005", "ORDER_INVALID_STATUS", \
		"The order is not at that step", "La commande n'en est pas à cette étape") \
	X(CANNOT_RATE, 400, "ORDER_4004", "ORDER_4004", "ORDER_4004", "ORDER_INVALID_STATUS", \
		"Only a delivered order can be rated", \
		"Seule une commande livrée peut être notée") \
	X(ORDER_TAKEN, 409, "ORDER_5001", "ORDER_5001", "ORDER_4005", "CONFLICT", \
		"Another rider has this order", "Un autre livreur a pris cette commande") \
	X(WRONG_DELIVERY_CODE, 400, "ORDER_4006", "ORDER_4006", "ORDER_4006", "CONFLICT", \
		"The delivery code is wrong: ask the customer for it", \
		"Le code de livraison est incorrect : demandez-le au client") \
	X(RIDER_OFFLINE, 400, "RIDER_5000", "RIDER_5000", "RIDER_5000", "CONFLICT", \
		"Go online first", "Passez d'abord en ligne") \
	X(RIDER_NOT_FOUND, 404, "RIDER_3000", "RIDER_3000", "RIDER_3000", "NOT_FOUND", \
		"The rider does not exist", "Le livreur n'existe pas") \
	X(RIDER_NOT_READY, 409, "RIDER_3004", "RIDER_3004", "RIDER_3004", "CONFLICT", \
		"This rider cannot take orders now", \
		"Ce livreur ne peut pas prendre de commandes actuellement") \
	X(ITEM_LIMIT, 400, "INVENTORY_6003", "INVENTORY_6003", "INVENTORY_6003", "CONFLICT", \
		"The menu is full: 500 items at most", "Le menu est plein : 500 articles au plus") \
	X(CONFLICT, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"That is not possible in its present state", \
		"Ce n'est pas possible dans son état actuel") \
	X(ITEM_UNAVAILABLE, 400, "INVENTORY_6002", "INVENTORY_6002", "INVENTORY_6002", "CONFLICT", \
		"An item is not available now", "Un article n'est pas disponible actuellement") \
	X(CHOICE_NOT_FOUND, 400, "VALIDATION_ERROR", "VALIDATION_ERROR", "VALIDATION_ERROR", \
		"VALIDATION_FAILED", "An item has no such variant or add-on", \
		"Un article n'a pas cette variante ou ce supplément") \
	X(OUT_OF_STOCK, 400, "INVENTORY_6001", "INVENTORY_6001", "INVENTORY_6001", "CONFLICT", \
		"There is not enough of an item left", "Il ne reste pas assez d'un article") \
	X(PRICE_CHANGED, 409, "PRICE_CHANGED", "PRICE_CHANGED", "PRICE_CHANGED", "CONFLICT", \
		"The menu changed while you ordered, check it and order again", \
		"Le menu a changé pendant la commande, vérifiez-le et recommencez") \
	X(DUPLICATE_ORDER, 409, "DUPLICATE_ORDER", "DUPLICATE_ORDER", "DUPLICATE_ORDER", \
		"CONFLICT", "The same basket was ordered a moment ago", \
		"Le même panier vient d'être commandé") \
	X(WALLET_SHORT, 400, "WALLET_4000", "WALLET_4000", "WALLET_4000", "CONFLICT", \
		"There is not enough money in the wallet", \
		"Le solde du portefeuille est insuffisant") \
	X(SERVICE_OFF, 503, "CONFIG_8000", "CONFIG_8000", "CONFIG_8000", "CONFLICT", \
		"This service is not available yet", "Ce service n'est pas encore disponible") \
	X(PAYMENT_DOWN, 503, "EXTERNAL_11000", "EXTERNAL_11000", "EXTERNAL_11000", \
		"EXTERNAL_11000", "The payment service does not answer, try another method", \
		"Le service de paiement ne répond pas, essayez un autre moyen") \
	X(SMS_DOWN, 503, "EXTERNAL_11001", "EXTERNAL_11001", "EXTERNAL_11001", "EXTERNAL_11001", \
		"The SMS service does not answer, try again shortly", \
		"Le service SMS ne répond pas, réessayez bientôt") \
	X(BAD_AMOUNT, 400, "WALLET_7002", "WALLET_7002", "WALLET_7002", "VALIDATION_FAILED", \
		"The amount is not one that can be paid in", "Ce montant ne peut pas être versé") \
	X(PAYMENT_NOT_FOUND, 404, "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", \
		"There is no such payment", "Ce paiement n'existe pas") \
	X(PAYMENT_REFUSED, 400, "EXTERNAL_11000", "EXTERNAL_11000", "EXTERNAL_11000", \
		"EXTERNAL_11000", "The payment service refused this payment", \
		"Le service de paiement a refusé ce paiement") \
	X(PAYMENTS_WAIT, 429, "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS", \
		"TOO_MANY_REQUESTS", \
		"20 of your payments wait to be confirmed: confirm them, or wait until they end", \
		"20 de vos paiements attendent d'être confirmés : confirmez-les, ou " \
		"attendez qu'ils prennent fin") \
	X(PAYMENT_DECIDED, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"There is nothing (more) to decide about this payment", \
		"Il n'y a rien (de plus) à trancher pour ce paiement") \
	X(BAD_SIGNATURE, 401, "AUTH_1001", "AUTH_1001", "INVALID_TOKEN", "AUTH_TOKEN_INVALID", \
		"The signature is missing or wrong", "La signature manque ou est fausse") \
	X(PAYOUT_MINIMUM, 400, "PAYOUT_4000", "PAYOUT_4000", "PAYOUT_5001", "VALIDATION_FAILED", \
		"The amount is below the smallest pay-out", \
		"Le montant est inférieur au retrait minimum") \
	X(PAYOUT_SHORT, 400, "PAYOUT_4001", "PAYOUT_4001", "PAYOUT_5002", "CONFLICT", \
		"The amount is more than can be withdrawn", \
		"Le montant dépasse ce qui peut être retiré") \
	X(PAYOUT_ACCOUNT, 400, "PAYOUT_4002", "PAYOUT_4002", "PAYOUT_4002", "VALIDATION_FAILED", \
		"Tell us first where the money is to go: bank details or a mobile-money number", \
		"Indiquez d'abord où envoyer l'argent : compte bancaire ou numéro mobile money") \
	X(PAYOUT_NOT_FOUND, 404, "PAYOUT_3000", "PAYOUT_3000", "PAYOUT_5003", "NOT_FOUND", \
		"There is no such pay-out", "Ce retrait n'existe pas") \
	X(PAYOUT_NOT_OWNER, 403, "AUTH_1006", "AUTH_1006", "PAYOUT_5004", "FORBIDDEN", \
		"This pay-out is somebody else's", "Ce retrait appartient à quelqu'un d'autre") \
	X(PAYOUT_DECIDED, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"This pay-out has been decided already", "Ce retrait a déjà été traité") \
	X(NO_TROUBLE, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"There is no trouble with this pay-out", "Ce retrait ne pose aucun problème") \
	X(TROUBLE_OTHER, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"The trouble with this pay-out cannot end like that", \
		"Le problème de ce retrait ne peut pas finir ainsi") \
	X(SAME_ADMIN, 403, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", \
		"A second admin must approve this", "Un second administrateur doit approuver") \
	X(REFUND_UNDELIVERED, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"Only a delivered order that was paid can be refunded; cancel it to give the " \
		"money back", \
		"Seule une commande livrée et payée peut être remboursée ; annulez-la pour " \
		"rendre l'argent") \
	X(PAYOUT_MANY, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"You have 20 open requests; wait until one of them has ended", \
		"Vous avez 20 demandes ouvertes ; attendez que l'une d'elles soit terminée") \
	X(HANDIN_OTHER, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"This reference was booked with another amount", \
		"Cette référence a été enregistrée avec un autre montant") \
	X(CASH_OVER, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"The amount is more than the rider holds", \
		"Le montant dépasse ce que le livreur détient") \
	X(DISPUTE_OPEN, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"A dispute of this kind about the order is open already", \
		"Une réclamation de ce type est déjà ouverte pour cette commande") \
	X(DISPUTE_DECIDED, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"This dispute has been decided already", "Ce litige a déjà été tranché") \
	X(REFUND_OVER, 409, "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", \
		"The refund is more than what is left of the order's total", \
		"Le remboursement dépasse ce qui reste du total de la commande")

/* Position of each error in the table; enum err holds its negative. */
enum err_index {
	ERR_INDEX_OK,
#define X(name, ...) ERR_INDEX_##name,
	REEYO_ERRORS(X)
#undef X
		ERR_INDEX_COUNT
};

/* 0 is success, everything else is negative: `if (err < 0)` and `if (err)` mean the same. */
enum err {
	E_OK = 0,
#define X(name, ...) E_##name = -ERR_INDEX_##name,
	REEYO_ERRORS(X)
#undef X
};

/* The four API namespaces; the order is that of the code columns above. */
enum name_space { NS_USER, NS_RIDER, NS_VENDOR, NS_ADMIN, NS_COUNT };

struct error_row {
	const char *name;           /* the enum's own name, for logs */
	int status;                 /* HTTP status */
	const char *code[NS_COUNT]; /* the word or number each namespace's clients know */
	const char *english;
	const char *french;
};

/* The row of an error; an unknown value gives the row of E_INTERNAL. Any thread. */
const struct error_row *error_row(int err);

/* The error a name stands for, of `len` bytes and without E_, as statements say it; E_INTERNAL when
 * it is none. Any thread. */
int error_from_name(const char *name, size_t len);

/* HTTP status of an error in a namespace: mostly the row's own. Existing clients need a few others:
 * a wrong current password is 400 for vendors and admins (a 401 starts the console's refresh), a
 * late cancel is 409 for admins. Any thread. */
int error_status(int err, enum name_space ns);

#endif
